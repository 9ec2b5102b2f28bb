//! Reading, and refusing what is not what it should be.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::any;
use temper_fetch::registry::RegistryError;
use temper_oci::{Descriptor, Digest, ImageDocument, media_type};

use crate::fixture::{blob, client, listen, push_bytes, push_image, read, start};

#[tokio::test]
async fn what_was_pushed_is_pulled() {
    let (server, client) = (start().await, client());
    let reference = server.reference("acme/python:3.13");
    let pushed = push_image(&client, &reference, BTreeMap::new(), None).await;

    let head = client.find_manifest(&reference).await.expect("answers").expect("is there");
    assert_eq!((head.digest, head.size_bytes), (pushed.digest, Some(pushed.size)));
    assert_eq!(head.media_type, media_type::OCI_MANIFEST);
    for reference in [reference.clone(), reference.with_digest(pushed.digest)] {
        let manifest = client.manifest(&reference).await.expect("pulls");
        assert_eq!((manifest.digest, manifest.media_type), (pushed.digest, head.media_type.clone()));
        let document = ImageDocument::parse(manifest.bytes, None).expect("parses");
        for child in document.children() {
            let bytes = read(client.blob(&reference, child).await.expect("opens")).await.expect("reads");
            assert_eq!(Digest::of(&bytes), child.digest);
        }
    }
    assert_eq!(client.tags(&reference).await.expect("lists"), ["3.13"]);
    assert!(client.delete_manifest(&reference).await.expect("deletes"));
    assert!(!client.delete_manifest(&reference).await.expect("deletes"));
    assert_eq!(client.find_manifest(&reference).await.expect("answers"), None);
    let needed = client.delete_blob(&reference, Digest::of(blob(5000))).await.expect_err("is needed");
    assert!(needed.to_string().contains("is needed by manifest"), "{needed}");
    assert!(client.delete_manifest(&reference.with_digest(pushed.digest)).await.expect("deletes"));
    assert!(client.delete_blob(&reference, Digest::of(blob(5000))).await.expect("deletes"));
    assert!(!client.has_blob(&reference, Digest::of(blob(5000))).await.expect("answers"));
}

#[tokio::test]
async fn a_missing_manifest_is_explained() {
    let (server, client) = (start().await, client());
    let error = client.manifest(&server.reference("acme/none:1")).await.expect_err("is missing");
    assert!(error.is_not_found());
    let text = error.to_string();
    let url = format!("GET http://127.0.0.1:{}/v2/acme/none/manifests/1", server.port);
    assert!(text.starts_with(&format!("{url} was answered with 404 Not Found: MANIFEST_UNKNOWN")), "{text}");
    assert!(error.hint().expect("has a hint").contains(&format!("docker login {}", server.registry())));
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let (server, client) = (start().await, client());
    let mut expected = Vec::new();
    for number in 0..7 {
        let tag = format!("v{number}");
        push_image(&client, &server.reference(&format!("acme/many:{tag}")), BTreeMap::new(), None).await;
        expected.push(tag);
    }
    let port = server.port;
    // A registry that answers two tags at a time and links to itself without a host.
    let router = Router::new().route(
        "/v2/acme/many/tags/list",
        any(async move |request: axum::extract::Request| {
            let query = request.uri().query().unwrap_or("n=2").to_owned();
            let url = format!("http://127.0.0.1:{port}/v2/acme/many/tags/list?{query}");
            let client =
                temper_fetch::http::client(&temper_fetch::http::HttpConfig::default()).expect("builds");
            let answer = client.get(url).send().await.expect("answers");
            let link = answer.headers().get("link").cloned();
            let response = answer.text().await.expect("reads").into_response();
            match link {
                Some(link) => crate::fixture::with_header(response, "link", link.to_str().expect("is text")),
                None => response,
            }
        }),
    );
    let (port, log) = listen(router).await;
    let reference = format!("127.0.0.1:{port}/acme/many").parse().expect("is a reference");
    assert_eq!(client.tags(&reference).await.expect("lists"), expected);
    assert_eq!(log.take().len(), 4);
}

#[tokio::test]
async fn bytes_are_compared_with_their_digest() {
    let router = Router::new().route("/v2/a/blobs/{digest}", any(async || "other")).route(
        "/v2/a/manifests/{reference}",
        any(async || ([("content-type", media_type::OCI_MANIFEST)], "{\"schemaVersion\":2}")),
    );
    let (port, _) = listen(router).await;
    let reference: temper_oci::Reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    let client = client();

    let wanted = Digest::of("wanted");
    let error = client.manifest(&reference.with_digest(wanted)).await.expect_err("differs");
    match &error {
        RegistryError::Digest { expected, actual, .. } => {
            assert_eq!((**expected, **actual), (wanted, Digest::of("{\"schemaVersion\":2}")));
        }
        other => panic!("{other:?}"),
    }
    assert!(error.hint().is_some());

    for (size, expected) in [(5, "digest"), (4, "larger than 4 bytes"), (6, "bytes, not 6")] {
        let descriptor = Descriptor::new(media_type::OCI_LAYER, wanted, size);
        let stream = client.blob(&reference, &descriptor).await.expect("opens");
        let error = read(stream).await.expect_err("differs");
        assert!(error.to_string().contains(expected), "{size}: {error}");
    }
}

#[tokio::test]
async fn long_manifests_are_not_read() {
    let router = Router::new().route("/v2/a/manifests/1", any(async || vec![b' '; (4 << 20) + 1]));
    let (port, _) = listen(router).await;
    let reference = format!("127.0.0.1:{port}/a:1").parse().expect("is a reference");
    let error = client().manifest(&reference).await.expect_err("is too long");
    assert!(error.to_string().contains("larger than 4194304 bytes"), "{error}");
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let (server, client) = (start().await, client());
    let reference = server.reference("a");
    let empty = bytes::Bytes::new();
    let (descriptor, _) =
        push_bytes(&client, &reference, media_type::OCI_LAYER, &empty).await.expect("pushes");
    let stream = client.blob(&reference, &descriptor).await.expect("opens");
    assert_eq!(read(stream).await.expect("reads"), b"");
    let wrong = Descriptor::new(media_type::OCI_LAYER, descriptor.digest, 1);
    let stream = client.blob(&reference, &wrong).await.expect("opens");
    read(stream).await.expect_err("is shorter");
}
