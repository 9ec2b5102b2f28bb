//! Pushing: as little as possible, in the form that the registry takes.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use temper_fetch::registry::Pushed;
use temper_oci::{Descriptor, media_type};

use crate::fixture::{blob, client, push_bytes, push_image, read, start, start_with};

#[tokio::test]
async fn a_blob_is_sent_once_and_mounted_elsewhere() {
    let (server, client) = (start().await, client());
    let (first, second) = (server.reference("acme/first"), server.reference("acme/second"));
    let bytes = blob(1 << 20);
    let (descriptor, pushed) =
        push_bytes(&client, &first, media_type::OCI_LAYER, &bytes).await.expect("pushes");
    assert_eq!(pushed, Pushed::Uploaded);
    let (_, pushed) = push_bytes(&client, &first, media_type::OCI_LAYER, &bytes).await.expect("pushes");
    assert_eq!(pushed, Pushed::Existed);

    let open = || -> std::io::Result<Cursor<Vec<u8>>> { panic!("a blob that can be mounted is not read") };
    let pushed = client.push_blob(&second, &descriptor, Some("acme/first"), open).await.expect("mounts");
    assert_eq!(pushed, Pushed::Mounted);
    assert_eq!(read(client.blob(&second, &descriptor).await.expect("opens")).await.expect("reads"), bytes);

    let other = blob(10);
    let descriptor = Descriptor::of(media_type::OCI_LAYER, &other);
    assert!(!client.mount_blob(&second, descriptor.digest, "acme/first").await.expect("answers"));
    let open = || Ok(Cursor::new(other.clone()));
    let pushed = client.push_blob(&second, &descriptor, Some("acme/first"), open).await.expect("pushes");
    assert_eq!(pushed, Pushed::Uploaded);
    assert!(client.mount_blob(&first, descriptor.digest, "acme/second").await.expect("mounts"));
}

#[tokio::test]
async fn a_registry_that_takes_small_bodies_only_gets_pieces() {
    let server = start_with(None, |router| {
        router.layer(from_fn(async |request: Request, next: Next| {
            let length = request.headers().get("content-length").and_then(|value| value.to_str().ok());
            let length: u64 = length.and_then(|text| text.parse().ok()).unwrap_or(0);
            if length > 1000 {
                StatusCode::PAYLOAD_TOO_LARGE.into_response()
            } else {
                next.run(request).await
            }
        }))
    })
    .await;
    let (client, reference) = (client(), server.reference("a"));
    let bytes = blob(2500);
    let (descriptor, pushed) =
        push_bytes(&client, &reference, media_type::OCI_LAYER, &bytes).await.expect("pushes");
    assert_eq!(pushed, Pushed::Uploaded);
    let patches = server.log.take().into_iter().filter(|line| line.starts_with("PATCH")).count();
    assert_eq!(patches, 3);
    assert_eq!(read(client.blob(&reference, &descriptor).await.expect("opens")).await.expect("reads"), bytes);
}

#[tokio::test]
async fn pieces_go_on_where_they_broke() {
    // By turn: fails before anything is kept; is kept but the answer is lost; keeps less than it was sent.
    for trick in [0, 1, 2] {
        let turn = Arc::new(AtomicU32::new(0));
        let server = start_with(None, |router| {
            router.layer(from_fn(move |request: Request, next: Next| {
                let is_patch = request.method() == "PATCH";
                let turn = if is_patch { turn.fetch_add(1, Ordering::Relaxed) } else { 9 };
                async move {
                    let length = request.headers().get("content-length");
                    let length: usize = length
                        .map_or(0, |text| text.to_str().expect("is text").parse().expect("is a number"));
                    if length > 1000 {
                        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
                    }
                    match (turn, trick) {
                        (1, 0) => StatusCode::BAD_GATEWAY.into_response(),
                        (1, 1) => {
                            next.run(request).await;
                            StatusCode::GATEWAY_TIMEOUT.into_response()
                        }
                        (1, 2) => {
                            let (mut parts, body) = request.into_parts();
                            let bytes = to_bytes(body, 1 << 20).await.expect("reads");
                            parts.headers.insert("content-range", "1000-1399".parse().expect("is a value"));
                            parts.headers.insert("content-length", "400".parse().expect("is a value"));
                            next.run(Request::from_parts(parts, Body::from(bytes.slice(..400)))).await
                        }
                        _ => next.run(request).await,
                    }
                }
            }))
        })
        .await;
        let (client, reference) = (client(), server.reference("a"));
        let bytes = blob(2500);
        let (descriptor, _) =
            push_bytes(&client, &reference, media_type::OCI_LAYER, &bytes).await.expect("pushes");
        let count = |method: &str, log: &[String]| log.iter().filter(|line| line.starts_with(method)).count();
        let log = server.log.take();
        assert_eq!(count("POST", &log), 2, "the upload in pieces is begun once: {log:?}");
        assert_eq!(count("PATCH", &log), if trick == 1 { 3 } else { 4 }, "{log:?}");
        let stream = client.blob(&reference, &descriptor).await.expect("opens");
        assert_eq!(read(stream).await.expect("reads"), bytes);
    }
}

#[tokio::test]
async fn blobs_seen_elsewhere_are_mounted_from_there() {
    let server = start().await;
    let first = server.reference("acme/first:1");
    push_image(&client(), &first, BTreeMap::new(), None).await;
    let client = client();
    client.manifest(&first).await.expect("reads");
    let second = server.reference("acme/second");
    let (_, pushed) = push_bytes(&client, &second, media_type::OCI_LAYER, &blob(5000)).await.expect("pushes");
    assert_eq!(pushed, Pushed::Mounted);
}

#[tokio::test]
async fn what_refers_to_an_image_is_listed_by_the_registry_or_by_nobody() {
    let plain = start().await;
    let without = start_with(None, |router| {
        router.layer(from_fn(async |request: Request, next: Next| {
            if request.uri().path().contains("/referrers/") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let mut response = next.run(request).await;
            response.headers_mut().remove("oci-subject");
            response
        }))
    })
    .await;
    for (server, lists) in [(plain, true), (without, false)] {
        let client = client();
        let reference = server.reference("a:1");
        let subject = push_image(&client, &reference, BTreeMap::new(), None).await;
        let find = async |artifact_type| {
            client.find_referrers(&reference, subject.digest, artifact_type).await.expect("lists")
        };
        assert_eq!(find(None).await, lists.then(Vec::new));
        let mut expected = Vec::new();
        for note in ["one", "two"] {
            let annotations = BTreeMap::from([("note".to_owned(), note.to_owned())]);
            let referrer = reference.without_identifier();
            for _ in 0..2 {
                let pushed = push_image(&client, &referrer, annotations.clone(), Some(subject.clone())).await;
                expected.push(pushed.digest);
            }
        }
        expected.sort_unstable();
        expected.dedup();
        let tags = client.tags(&reference).await.expect("lists");
        assert_eq!(tags.len(), 1, "lists under tags are of who attaches something: {tags:?}");
        let Some(referrers) = find(None).await else {
            assert!(!lists);
            continue;
        };
        let mut digests: Vec<_> = referrers.iter().map(|referrer| referrer.digest).collect();
        digests.sort_unstable();
        assert_eq!(digests, expected);
        assert!(referrers.iter().all(|referrer| referrer.annotations.contains_key("note")));
        assert_eq!(find(Some(media_type::OCI_CONFIG)).await.map(|listed| listed.len()), Some(2));
    }
}
