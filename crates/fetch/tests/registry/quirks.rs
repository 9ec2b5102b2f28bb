//! What registries and the network do on bad days.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use futures_util::stream;
use temper_fetch::credentials::{Credential, Credentials};
use temper_fetch::http::HttpConfig;
use temper_fetch::registry::{RegistryClient, RegistryOptions};
use temper_oci::{Digest, media_type};

use crate::fixture::{blob, client, client_with, listen, push_bytes, read, start_with, with_header};

#[tokio::test]
async fn rate_limits_and_failures_pass() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY] {
        let turn = Arc::new(AtomicU32::new(0));
        let server = start_with(None, |router| {
            router.layer(from_fn(move |request: Request, next: Next| {
                let refused = [0, 1, 4].contains(&turn.fetch_add(1, Ordering::Relaxed));
                async move {
                    if refused {
                        return with_header(status.into_response(), "retry-after", "0");
                    }
                    next.run(request).await
                }
            }))
        })
        .await;
        let (client, reference) = (client(), server.reference("a"));
        push_bytes(&client, &reference, media_type::OCI_LAYER, &blob(10)).await.expect("pushes");
        let methods: Vec<_> = server.log.take().iter().map(|line| line[..3].to_owned()).collect();
        assert_eq!(methods, ["HEA", "HEA", "HEA", "POS", "PUT", "POS", "PUT"]);
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    let (port, log) = listen(Router::new().fallback(any(async || StatusCode::FORBIDDEN))).await;
    let reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    client().manifest(&reference).await.expect_err("is refused");
    assert_eq!(log.take(), ["GET /v2/a/manifests/1"]);
    let (port, log) = listen(Router::new().fallback(any(async || StatusCode::BAD_GATEWAY))).await;
    let reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    client().manifest(&reference).await.expect_err("fails");
    assert_eq!(log.take().len(), 4);
}

#[tokio::test]
async fn redirects_get_no_credentials() {
    let bytes = blob(3000);
    let content = bytes.clone();
    let (elsewhere, elsewhere_log) = listen(Router::new().route("/blob", any(async || content))).await;
    // Another port is another host.
    let server = start_with(Some("YWRtaW46c2VjcmV0"), |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let is_blob = request.method() == "GET" && request.uri().path().contains("/blobs/");
            if is_blob && request.headers().contains_key("authorization") {
                let location = format!("http://127.0.0.1:{elsewhere}/blob");
                return with_header(StatusCode::TEMPORARY_REDIRECT.into_response(), "location", &location);
            }
            next.run(request).await
        }))
    })
    .await;
    let credential = Credential::Password { user: "admin".to_owned(), password: "secret".into() };
    let client = client_with(Credentials::anonymous().with(&server.registry(), credential));
    let reference = server.reference("a");
    let (descriptor, _) =
        push_bytes(&client, &reference, media_type::OCI_LAYER, &bytes).await.expect("pushes");
    let stream = client.blob(&reference, &descriptor).await.expect("opens");
    assert_eq!(read(stream).await.expect("reads"), bytes);
    assert_eq!(elsewhere_log.authorizations(), [None]);
}

#[tokio::test]
async fn redirects_end() {
    let around =
        any(async || with_header(StatusCode::FOUND.into_response(), "location", "/v2/a/manifests/1"));
    let (port, log) = listen(Router::new().fallback(around)).await;
    let reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    let error = client().manifest(&reference).await.expect_err("never ends");
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
    assert_eq!(log.take().len(), 6);
}

/// Answers with a part of a blob and breaks off.
fn truncated(bytes: &Bytes, from: usize, to: usize, ranges: bool) -> Response {
    let part = bytes.slice(from..to);
    let broken = stream::iter([Ok(part), Err(std::io::Error::other("line is cut"))]);
    let mut response = Body::from_stream(broken).into_response();
    if ranges && from > 0 {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        return with_header(response, "content-range", &range);
    }
    response
}

#[tokio::test]
async fn a_broken_blob_is_taken_up_where_it_broke() {
    for ranges in [true, false] {
        let bytes = blob(10_000);
        let content = bytes.clone();
        let server = start_with(None, |router| {
            let turn = Arc::new(AtomicU32::new(0));
            router.layer(from_fn(move |request: Request, next: Next| {
                let is_blob = request.method() == "GET" && request.uri().path().contains("/blobs/");
                let turn = if is_blob { turn.fetch_add(1, Ordering::Relaxed) } else { 9 };
                let content = content.clone();
                let from = request.headers().get("range").and_then(|value| value.to_str().ok());
                let from = from.and_then(|text| text.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
                let from: usize = from.unwrap_or(0);
                async move {
                    match turn {
                        0 => truncated(&content, 0, 4000, ranges),
                        1 if ranges => truncated(&content, from, 7000, true),
                        1 => truncated(&content, 0, 7000, false),
                        2 if !ranges => content.into_response(),
                        _ => next.run(request).await,
                    }
                }
            }))
        })
        .await;
        let (client, reference) = (client(), server.reference("a"));
        let (descriptor, _) =
            push_bytes(&client, &reference, media_type::OCI_LAYER, &bytes).await.expect("pushes");
        server.log.take();
        let stream = client.blob(&reference, &descriptor).await.expect("opens");
        assert_eq!(read(stream).await.expect("reads"), bytes, "ranges: {ranges}");
        assert_eq!(server.log.take().len(), 3);
    }
}

#[tokio::test]
async fn an_upload_that_fails_begins_again() {
    let turn = Arc::new(AtomicU32::new(0));
    let server = start_with(None, |router| {
        router.layer(from_fn(move |request: Request, next: Next| {
            let failed = request.method() == "PUT" && turn.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if failed {
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                next.run(request).await
            }
        }))
    })
    .await;
    let (client, reference) = (client(), server.reference("a"));
    push_bytes(&client, &reference, media_type::OCI_LAYER, &blob(10)).await.expect("pushes");
    let methods: Vec<_> =
        server.log.take().iter().map(|line| line.split(' ').next().expect("has a word").to_owned()).collect();
    assert_eq!(methods, ["HEAD", "POST", "PUT", "POST", "PUT"]);
}

/// Answers every request for a list with this page and a link to the next.
async fn endless(page: &'static str, next: fn(u32) -> String) -> u16 {
    let turn = Arc::new(AtomicU32::new(0));
    let answer = any(move || {
        let link = format!("<{}>; rel=\"next\"", next(turn.fetch_add(1, Ordering::Relaxed)));
        let response = with_header(page.into_response(), "content-type", media_type::OCI_INDEX);
        std::future::ready(with_header(response, "link", &link))
    });
    listen(Router::new().fallback(answer)).await.0
}

#[tokio::test]
async fn endless_lists_end() {
    const TAGS: &str = r#"{"name": "a", "tags": ["one", "two"]}"#;
    const NO_TAGS: &str = r#"{"name": "a", "tags": null}"#;
    const REFERRERS: &str = r#"{"schemaVersion": 2, "manifests": []}"#;
    let onward: fn(u32) -> String = |turn| format!("/v2/a/list?last={turn}");
    let around: fn(u32) -> String = |turn| format!("/v2/a/list?last={}", turn % 2);
    for (page, next, bounds, expected) in [
        (TAGS, onward, (10, 100, 1 << 20), "has more than 10 entries"),
        (NO_TAGS, onward, (10, 7, 1 << 20), "has more than 7 pages"),
        (TAGS, onward, (1000, 1000, 300), "has more than 300 bytes"),
        (NO_TAGS, around, (10, 100, 1 << 20), "leads back to"),
        (REFERRERS, onward, (10, 7, 1 << 20), "has more than 7 pages"),
        (REFERRERS, onward, (10, 100, 300), "has more than 300 bytes"),
        (REFERRERS, around, (10, 100, 1 << 20), "leads back to"),
    ] {
        let port = endless(page, next).await;
        let reference = format!("127.0.0.1:{port}/a").parse().expect("is a reference");
        let (list_entries_max, list_pages_max, list_bytes_max) = bounds;
        let options = RegistryOptions {
            list_entries_max,
            list_pages_max,
            list_bytes_max,
            ..RegistryOptions::default()
        };
        let client = RegistryClient::new(&HttpConfig::default(), Credentials::anonymous(), options)
            .expect("makes a client");
        let error = if page == REFERRERS {
            client.find_referrers(&reference, Digest::of("a"), None).await.expect_err("never ends")
        } else {
            client.tags(&reference).await.expect_err("never ends")
        };
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[tokio::test]
async fn a_list_holds_nothing_but_tags() {
    let page = any(async || r#"{"tags": ["good", "\u001b[2J"]}"#);
    let (port, _) = listen(Router::new().fallback(page)).await;
    let reference = format!("127.0.0.1:{port}/a").parse().expect("is a reference");
    let error = client().tags(&reference).await.expect_err("is no list of tags");
    assert!(error.to_string().contains("has no usable list of tags"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_explained() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    drop(listener);
    let reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    let error = client().manifest(&reference).await.expect_err("is not there");
    assert!(error.to_string().contains("got no answer"), "{error}");
    assert!(error.hint().expect("has a hint").contains("insecure"));
}
