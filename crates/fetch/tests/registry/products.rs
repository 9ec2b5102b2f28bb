//! The same work against registries that differ as the known products do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use temper_fetch::credentials::{Credential, Credentials};
use temper_fetch::registry::Pushed;
use temper_oci::media_type;

use crate::fixture::{
    Log, Server, blob, client_with, listen, push_bytes, push_image, read, start_with, with_header,
};

/// How a product differs from the embedded registry, which answers behind it.
#[derive(Clone, Copy)]
struct Product {
    name: &'static str,
    login: Login,
    /// Status and media type of `GET …/referrers/…` where there is no such end point.
    no_referrers: Option<(u16, &'static str)>,
    /// What a mount is answered with, if it is not done; 202 begins an upload.
    no_mount: Option<u16>,
    /// Blobs are read from another host that takes no `Authorization`, as S3 does.
    redirects_blobs: bool,
    /// Where an upload goes on is written with scheme and host.
    absolute_locations: bool,
    /// Longest body of a proxy before it.
    body_bytes_max: Option<u64>,
    /// Every so many requests one is told to come later.
    busy_every: Option<u32>,
}

/// Who is let in.
#[derive(Clone, Copy, PartialEq)]
enum Login {
    /// Everybody.
    Anyone,
    /// `user:pass` with each request.
    Basic,
    /// Who has a token with this scope before the repository's name.
    Token { method: &'static str, prefix: &'static str },
}

const PLAIN: Product = Product {
    name: "plain",
    login: Login::Anyone,
    no_referrers: None,
    no_mount: None,
    redirects_blobs: false,
    absolute_locations: false,
    body_bytes_max: None,
    busy_every: None,
};

const GET: Login = Login::Token { method: "GET", prefix: "" };
const TEXT: &str = "text/plain; charset=utf-8";
const PAGE: &str = "text/html";

const PRODUCTS: &[Product] = &[
    Product {
        name: "distribution 2.8",
        login: Login::Basic,
        no_referrers: Some((404, TEXT)),
        absolute_locations: true,
        ..PLAIN
    },
    Product { name: "zot", login: Login::Basic, ..PLAIN },
    Product { name: "Harbor", login: GET, absolute_locations: true, ..PLAIN },
    Product { name: "Docker Hub", login: GET, redirects_blobs: true, busy_every: Some(5), ..PLAIN },
    Product {
        name: "ECR",
        login: Login::Basic,
        no_mount: Some(202),
        redirects_blobs: true,
        absolute_locations: true,
        ..PLAIN
    },
    Product { name: "GHCR", login: GET, no_referrers: Some((200, PAGE)), redirects_blobs: true, ..PLAIN },
    Product {
        name: "ACR",
        login: Login::Token { method: "POST", prefix: "" },
        redirects_blobs: true,
        ..PLAIN
    },
    Product { name: "GitLab", login: GET, no_referrers: Some((404, TEXT)), no_mount: Some(401), ..PLAIN },
    Product {
        name: "Artifactory",
        login: Login::Token { method: "GET", prefix: "docker-local/" },
        no_referrers: Some((405, TEXT)),
        no_mount: Some(403),
        ..PLAIN
    },
    Product { name: "behind nginx", no_mount: Some(404), body_bytes_max: Some(2000), ..PLAIN },
    Product { name: "behind a busy proxy", busy_every: Some(3), ..PLAIN },
];

/// A started product: the server, the host of its blobs, and how many tokens were asked for.
struct Started {
    server: Server,
    content: Log,
    tokens: Arc<AtomicU32>,
}

async fn start(product: Product) -> Started {
    let layer = blob(5000);
    let (content_port, content) = listen(Router::new().fallback(any(async move |request: Request| {
        match request.headers().get("authorization") {
            Some(_) => StatusCode::BAD_REQUEST.into_response(),
            None => layer.into_response(),
        }
    })))
    .await;
    let tokens = Arc::new(AtomicU32::new(0));
    let (counter, turn) = (Arc::clone(&tokens), Arc::new(AtomicU32::new(0)));
    let server = start_with(None, |router| {
        let router = router.route("/token", any(async || StatusCode::NOT_IMPLEMENTED));
        router.layer(from_fn(move |request: Request, next: Next| {
            let number = turn.fetch_add(1, Ordering::Relaxed) + 1;
            let (counter, product) = (Arc::clone(&counter), product);
            async move {
                if request.uri().path() == "/token" {
                    counter.fetch_add(1, Ordering::Relaxed);
                    return token(request, product.login).await;
                }
                if product.busy_every.is_some_and(|every| number.is_multiple_of(every)) {
                    let busy = StatusCode::TOO_MANY_REQUESTS.into_response();
                    return with_header(busy, "retry-after", "0");
                }
                match refusal(product, &request) {
                    Some(refusal) => refusal,
                    None => answer(product, content_port, request, next).await,
                }
            }
        }))
    })
    .await;
    Started { server, content, tokens }
}

/// Answers a request for a token that names the scopes it is good for.
async fn token(request: Request, login: Login) -> Response {
    let Login::Token { method, .. } = login else { return StatusCode::NOT_FOUND.into_response() };
    if request.method() != method {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.expect("reads");
    let (form, proof) = if method == "POST" {
        let form = String::from_utf8(body.to_vec()).expect("is text");
        let proof = form.contains("grant_type=password&username=user&password=pass");
        (form, proof)
    } else {
        // `user:pass`.
        let proof = parts.headers.get("authorization").is_some_and(|value| value == "Basic dXNlcjpwYXNz");
        (parts.uri.query().unwrap_or_default().to_owned(), proof)
    };
    if !proof || !form.contains("service=test") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let form = form.replace("%3A", ":").replace("%2C", ",").replace("%2F", "/").replace('+', " ");
    let scopes: Vec<_> = form.split('&').filter_map(|pair| pair.strip_prefix("scope=")).collect();
    axum::Json(serde_json::json!({ "access_token": scopes.join(" "), "expires_in": 300 })).into_response()
}

/// Answers what the product does not let through.
fn refusal(product: Product, request: &Request) -> Option<Response> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let host = header("host");
    let name = request.uri().path().trim_start_matches("/v2/");
    let name = name.split("/blobs/").next()?.split("/manifests/").next()?;
    let name = name.split("/tags/").next()?.split("/referrers/").next()?;
    let reads = request.method() == "GET" || request.method() == "HEAD";
    let challenge = match product.login {
        Login::Anyone => None,
        Login::Basic => {
            (header("authorization") != "Basic dXNlcjpwYXNz").then(|| "Basic realm=\"test\"".to_owned())
        }
        Login::Token { prefix, .. } => {
            let thing = format!("repository:{prefix}{name}:");
            let token = header("authorization").strip_prefix("Bearer ").unwrap_or("");
            let actions = token.split(' ').find_map(|scope| scope.strip_prefix(thing.as_str()));
            let needed = if reads { "pull" } else { "push" };
            let fits = actions.is_some_and(|actions| actions.contains(needed));
            (!fits).then(|| {
                format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"{thing}pull,push\"")
            })
        }
    };
    if let Some(challenge) = challenge {
        return Some(with_header(StatusCode::UNAUTHORIZED.into_response(), "www-authenticate", &challenge));
    }
    let length: u64 = header("content-length").parse().unwrap_or(0);
    if product.body_bytes_max.is_some_and(|most| length > most) {
        return Some(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    }
    let status = |status| StatusCode::from_u16(status).expect("is a status");
    if let Some((code, media_type)) = product.no_referrers
        && request.uri().path().contains("/referrers/")
    {
        let mut response = with_header("not here".into_response(), "content-type", media_type);
        *response.status_mut() = status(code);
        return Some(response);
    }
    let mounts = request.uri().query().is_some_and(|query| query.contains("mount="));
    product.no_mount.filter(|code| mounts && *code != 202).map(|code| status(code).into_response())
}

/// Lets the embedded registry answer, in the product's way.
async fn answer(product: Product, content_port: u16, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if product.redirects_blobs && request.method() == "GET" && path.contains("/blobs/sha256") {
        let location = format!("http://127.0.0.1:{content_port}/bucket?signature=x");
        return with_header(StatusCode::TEMPORARY_REDIRECT.into_response(), "location", &location);
    }
    if product.no_mount == Some(202) && path.ends_with("/blobs/uploads/") {
        *request.uri_mut() = path.parse().expect("is a path");
    }
    let host = request.headers()["host"].to_str().expect("is text").to_owned();
    let mut response = next.run(request).await;
    if product.no_referrers.is_some() {
        response.headers_mut().remove("oci-subject");
    }
    if product.absolute_locations
        && let Some(location) = response.headers().get("location").cloned()
    {
        let location = location.to_str().expect("is text");
        let location = format!("http://{host}{location}?_state=a%3Db");
        return with_header(response, "location", &location);
    }
    response
}

#[tokio::test]
async fn every_product_takes_and_gives_images() {
    for product in PRODUCTS {
        let name = product.name;
        let Started { server, content, tokens } = start(*product).await;
        let login = Credential::Password { user: "user".to_owned(), password: "pass".into() };
        let client = client_with(Credentials::anonymous().with(&server.registry(), login));
        let first = server.reference("acme/first:1");
        let image = push_image(&client, &first, BTreeMap::new(), None).await;

        let second = server.reference("acme/second");
        let (layer, pushed) =
            push_bytes(&client, &second, media_type::OCI_LAYER, &blob(5000)).await.expect(name);
        let expected = if product.no_mount.is_some() { Pushed::Uploaded } else { Pushed::Mounted };
        assert_eq!(pushed, expected, "{name}");

        let note = BTreeMap::from([("note".to_owned(), "signed".to_owned())]);
        let referrer =
            push_image(&client, &first.without_identifier(), note, Some(image.clone())).await.digest;
        let referrers = client.find_referrers(&first, image.digest, None).await.expect(name);
        let listed = referrers.map(|list| list.iter().map(|entry| entry.digest).collect::<Vec<_>>());
        assert_eq!(listed, product.no_referrers.is_none().then(|| vec![referrer]), "{name}");

        let found = client.find_manifest(&first).await.expect(name).expect(name);
        assert_eq!(found.digest, image.digest, "{name}");
        assert_eq!(client.manifest(&first).await.expect(name).digest, image.digest, "{name}");
        let stream = client.blob(&second, &layer).await.expect(name);
        assert_eq!(read(stream).await.expect(name), blob(5000), "{name}");

        let led = content.authorizations();
        assert_eq!(led.is_empty(), !product.redirects_blobs, "{name}");
        assert!(led.iter().all(Option::is_none), "{name}: {led:?}");
        let tokens = tokens.load(Ordering::Relaxed);
        let asks = matches!(product.login, Login::Token { .. });
        assert!(if asks { (1..=14).contains(&tokens) } else { tokens == 0 }, "{name}: {tokens}");
        if !asks && product.login == Login::Anyone {
            assert!(server.log.authorizations().iter().all(Option::is_none), "{name}: nobody asked");
        }
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, body, retry_after, push, hint) in [
        (
            401,
            "",
            None,
            false,
            "the login of `user` is not enough for `REGISTRY/acme/app`; log in with `docker",
        ),
        (403, "", None, true, "ask for the right to `acme/app` for `user` at `REGISTRY`"),
        (404, "", None, false, "private repositories look like missing ones"),
        (404, "NAME_UNKNOWN", None, true, "create the repository `acme/app` at `REGISTRY` first"),
        (412, "PRECONDITION: configured as immutable", None, true, "tags of `acme/app` cannot move"),
        (400, "TAG_INVALID: the tag is immutable", None, true, "tags of `acme/app` cannot move"),
        (413, "", None, true, "raise the limit of `REGISTRY`"),
        (429, "TOOMANYREQUESTS", Some("7200"), false, "try again in 7200 s"),
        (503, "", Some("Wed, 21 Oct 2015 09:28:00 GMT"), false, "try again in 7200 s"),
    ] {
        let router = Router::new().fallback(any(async move || {
            let (code, message) = body.split_once(": ").unwrap_or((body, "no"));
            let body = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
            let status = StatusCode::from_u16(status).expect("is a status");
            let response = (status, axum::Json(body)).into_response();
            let response = with_header(response, "date", "Wed, 21 Oct 2015 07:28:00 GMT");
            match retry_after {
                Some(wait) => with_header(response, "retry-after", wait),
                None => response,
            }
        }));
        let (port, log) = listen(router).await;
        let registry = format!("127.0.0.1:{port}");
        let login = Credential::Password { user: "user".to_owned(), password: "pass".into() };
        let client = client_with(Credentials::anonymous().with(&registry, login));
        let reference = format!("{registry}/acme/app:1").parse().expect("is a reference");
        let error = if push {
            let bytes = bytes::Bytes::from_static(b"{}");
            client.push_manifest(&reference, media_type::OCI_MANIFEST, bytes).await.expect_err(hint)
        } else {
            client.manifest(&reference).await.expect_err(hint)
        };
        let said = error.to_string();
        assert!(said.contains(&format!("http://{registry}/v2/acme/app/manifests/1")), "{said}");
        assert!(said.contains(&status.to_string()), "{said}");
        let expected = hint.replace("REGISTRY", &registry);
        assert!(error.hint().expect(hint).contains(&expected), "{:?}", error.hint());
        assert_eq!(log.take().len(), 1, "{hint}: what cannot pass is not repeated");
    }
}
