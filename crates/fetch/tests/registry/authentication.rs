//! Basic, token servers, and what is said when neither helps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use temper_fetch::credentials::{Credential, Credentials};
use temper_oci::media_type;

use crate::fixture::{Server, blob, client, client_with, push_bytes, start_with, with_header};

fn password(user: &str, password: &str) -> Credential {
    Credential::Password { user: user.to_owned(), password: password.into() }
}

#[tokio::test]
async fn basic_credentials_are_given_when_asked_for() {
    let server = start_with(Some("YWRtaW46c2VjcmV0"), |router| router).await;
    let reference = server.reference("a");
    for (credential, fits) in [(Some("secret"), true), (Some("wrong"), false), (None, false)] {
        let credentials = match credential {
            Some(text) => Credentials::anonymous().with(&server.registry(), password("admin", text)),
            None => Credentials::anonymous(),
        };
        let pushed =
            push_bytes(&client_with(credentials), &reference, media_type::OCI_LAYER, &blob(10)).await;
        match pushed {
            Ok(_) => {
                assert!(fits, "{credential:?}");
                let client = client_with(
                    Credentials::anonymous().with(&server.registry(), password("admin", "secret")),
                );
                let digest = temper_oci::Digest::of(blob(10));
                assert!(client.delete_blob(&reference, digest).await.expect("deletes"));
            }
            Err(error) => {
                assert!(!fits, "{error}");
                assert!(error.to_string().contains("401"), "{error}");
                assert!(error.hint().expect("has a hint").contains("docker login"), "{error}");
            }
        }
    }
}

/// A registry with a token server beside it, whose tokens name their scopes.
async fn start_with_tokens(expires_in: u64, check: fn(&str, &str, &str) -> bool) -> (Server, Arc<AtomicU32>) {
    let fetched = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&fetched);
    let server = start_with(None, |router| {
        router.route("/token", axum::routing::any(async || StatusCode::NOT_IMPLEMENTED)).layer(from_fn(
            move |request: Request, next: Next| {
                let counter = Arc::clone(&counter);
                async move {
                    if request.uri().path() == "/token" {
                        let number = counter.fetch_add(1, Ordering::Relaxed);
                        return token(request, number, expires_in, check).await;
                    }
                    let needed = if request.method() == "GET" { "pull" } else { "pull,push" };
                    let header = request.headers().get("authorization");
                    let header = header.and_then(|value| value.to_str().ok()).unwrap_or("");
                    let name =
                        request.uri().path().trim_start_matches("/v2/").split('/').next().unwrap_or("");
                    let scope = format!("repository:{name}:{needed}");
                    let fits = header.starts_with("Bearer ") && header.contains(&scope[..scope.len() - 1]);
                    if fits && !header.contains("void") {
                        return next.run(request).await;
                    }
                    let host = request.headers()["host"].to_str().expect("is text").to_owned();
                    let challenge =
                        format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"{scope}\"");
                    with_header(StatusCode::UNAUTHORIZED.into_response(), "www-authenticate", &challenge)
                }
            },
        ))
    })
    .await;
    (server, fetched)
}

async fn token(
    request: Request,
    number: u32,
    expires_in: u64,
    check: fn(&str, &str, &str) -> bool,
) -> Response {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().expect("is text"));
    let body = String::from_utf8(to_bytes(body, 1 << 16).await.expect("reads").to_vec()).expect("is text");
    let form = if parts.method == "POST" { body } else { parts.uri.query().unwrap_or("").to_owned() };
    if !check(parts.method.as_str(), authorization.unwrap_or(""), &form) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let scopes: Vec<_> = form.split('&').filter_map(|pair| pair.strip_prefix("scope=")).collect();
    let scopes = scopes.join("+").replace("%3A", ":").replace("%2C", ",");
    let field = if parts.method == "POST" { "access_token" } else { "token" };
    axum::Json(serde_json::json!({ field: format!("{number}/{scopes}"), "expires_in": expires_in }))
        .into_response()
}

#[tokio::test]
async fn tokens_are_fetched_once_per_scope() {
    let is_named = |method: &str, authorization: &str, form: &str| {
        // `user:pass`.
        method == "GET" && authorization == "Basic dXNlcjpwYXNz" && form.contains("service=test")
    };
    let (server, fetched) = start_with_tokens(300, is_named).await;
    let client = client_with(Credentials::anonymous().with(&server.registry(), password("user", "pass")));
    let (first, second) = (server.reference("first"), server.reference("second"));
    for size in [10, 20, 30] {
        push_bytes(&client, &first, media_type::OCI_LAYER, &blob(size)).await.expect("pushes");
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
    let digest = temper_oci::Digest::of(blob(10));
    assert!(client.mount_blob(&second, digest, "first").await.expect("mounts"));
    assert!(client.has_blob(&second, digest).await.expect("answers"));
    assert_eq!(fetched.load(Ordering::Relaxed), 3, "one for both repositories, one for the second alone");
    let mounting = server.log.authorizations().into_iter().flatten();
    let both = "Bearer 1/repository:second:pull,push+repository:first:pull";
    assert!(mounting.clone().any(|header| header == both), "{:?}", mounting.collect::<Vec<_>>());
}

#[tokio::test]
async fn tokens_end_in_time() {
    let (server, fetched) = start_with_tokens(1, |_, _, _| true).await;
    let client = client();
    let reference = server.reference("first");
    push_bytes(&client, &reference, media_type::OCI_LAYER, &blob(10)).await.expect("pushes");
    let count = fetched.load(Ordering::Relaxed);
    assert!(count > 1, "a token that ends at once serves one request: {count}");
}

#[tokio::test]
async fn identity_tokens_are_posted() {
    let is_refreshed = |method: &str, authorization: &str, form: &str| {
        method == "POST"
            && authorization.is_empty()
            && form.contains("grant_type=refresh_token")
            && form.contains("refresh_token=re%26fresh")
            && form.contains("service=test")
    };
    let (server, fetched) = start_with_tokens(300, is_refreshed).await;
    let credential = Credential::IdentityToken("re&fresh".into());
    let client = client_with(Credentials::anonymous().with(&server.registry(), credential));
    push_bytes(&client, &server.reference("first"), media_type::OCI_LAYER, &blob(10)).await.expect("pushes");
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_token_server_that_refuses_is_named() {
    let (server, fetched) = start_with_tokens(300, |_, _, _| false).await;
    let error = client().manifest(&server.reference("first:1")).await.expect_err("is refused");
    let expected = format!("GET http://{}/token was answered with 401", server.registry());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(error.hint().expect("has a hint").contains("docker login"));
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
}
