//! Names, numbers and documents that no honest client sends: refused with the right code, bounded, and logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use futures_util::stream;
use temper_oci::{Digest, media_type};
use temper_registry::{Limits, LocalAccess};

use crate::fixture::Fixture;

const OPEN: LocalAccess = LocalAccess { push_from_loopback: true };

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let fixture = Fixture::new().await;
    fixture.push_image("a/b", "1").await;
    let long = "a".repeat(256);
    let before = files(&fixture);
    for name in [
        "..",
        "a/../b",
        "%2e%2e",
        "%2E%2E/%2e%2e/etc",
        "a/%2e%2e/b",
        "a%2f..%2fb",
        "a%5c..%5cb",
        "a%00",
        "a%0d%0ax",
        "a%ff",
        "%c0%ae%c0%ae",
        "%E2%80%AE",
        "%EF%BC%8E%EF%BC%8E",
        "a%20b",
        "A",
        "-a",
        "a//b",
        "_manifests",
        &long,
        &"a/".repeat(200),
    ] {
        for (method, rest) in [
            ("GET", "manifests/1"),
            ("PUT", "manifests/1"),
            ("DELETE", "manifests/1"),
            ("POST", "blobs/uploads/"),
            ("GET", "tags/list"),
        ] {
            let answer = fixture.send(method, &format!("/v2/{name}/{rest}"), &[], Body::empty()).await;
            answer.expect(400, "NAME_INVALID");
            assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0", "{name}");
        }
    }
    // An escaped slash is a slash: rights are asked for the name that is meant.
    fixture.get("/v2/a%2Fb/manifests/1").await.expect(200, "");
    for tag in ["..", "%2e%2e", "%2e%2e%2fx", "a%00b", "%ff", ".a", "-a", &"a".repeat(129), "a%20b", "%C3%A9"]
    {
        let path = format!("/v2/a/b/manifests/{tag}");
        let put = fixture.send("PUT", &path, &[], "{}").await;
        assert!([400, 404].contains(&put.status.as_u16()), "{tag}: {put:?}");
        let got = fixture.get(&path).await;
        assert!([400, 404].contains(&got.status.as_u16()), "{tag}: {got:?}");
    }
    for digest in
        ["sha256:..", "sha256:%2e%2e", "md5:00", "sha256:", "%00", &format!("sha256:{}", "g".repeat(64))]
    {
        fixture.get(&format!("/v2/a/b/blobs/{digest}")).await.expect(400, "DIGEST_INVALID");
        let push = format!("/v2/a/b/blobs/uploads/?digest={digest}");
        fixture.send("POST", &push, &[], "x").await.expect(400, "DIGEST_INVALID");
        let mount = format!("/v2/a/b/blobs/uploads/?mount={digest}&from=a/b");
        fixture.send("POST", &mount, &[], Body::empty()).await.expect(400, "DIGEST_INVALID");
    }
    for id in ["..", "%2e%2e%2f%2e%2e", "%00", "a", &"f".repeat(5000)] {
        let answer = fixture.get(&format!("/v2/a/b/blobs/uploads/{id}")).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{id}: {answer:?}");
    }
    assert_eq!(files(&fixture), before, "nothing was written anywhere");
}

/// Lists all files of a registry but those of its database.
fn files(fixture: &Fixture) -> Vec<std::path::PathBuf> {
    let mut folders = vec![fixture.folder.path().to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("lists") {
            let path = entry.expect("lists").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().contains("records.db") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn numbers_are_read_with_care() {
    let fixture = Fixture::with(Limits { tags_page_max: 2, ..Limits::default() }, OPEN).await;
    for tag in ["1", "2", "3"] {
        fixture.push_image("a", tag).await;
    }
    let digest = Digest::of("x");
    for (query, status, count) in [
        ("n=1", 200, 1),
        ("n=4294967295", 200, 2),
        ("n=0", 200, 0),
        ("last=%27%20OR%201%3D1--", 200, 2),
        ("last=%00", 200, 2),
        ("last=zzz", 200, 0),
        ("n=4294967296", 400, 0),
        ("n=99999999999999999999999", 400, 0),
        ("n=-1", 400, 0),
        ("n=1e3", 400, 0),
        ("n=1&n=2", 400, 0),
        ("n=%ff", 400, 0),
    ] {
        let answer = fixture.get(&format!("/v2/a/tags/list?{query}")).await;
        answer.expect(status, if status == 400 { "UNSUPPORTED" } else { "" });
        if status == 200 {
            assert_eq!(answer.json()["tags"].as_array().map(Vec::len), Some(count), "{query}");
        }
    }
    for query in ["n=-1", "n=x", "last=x"] {
        let answer = fixture.get(&format!("/v2/a/referrers/{digest}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
    let upload = fixture.begin("a").await;
    for range in [
        "",
        "-",
        "0",
        "0-",
        "-1-2",
        "1-0",
        "0-18446744073709551615",
        "0-18446744073709551616",
        "99999999999999999999-99999999999999999999",
        "0x0-0x1",
        "bytes 0-/*",
    ] {
        let answer = fixture.send("PATCH", &upload, &[("content-range", range)], "x").await;
        answer.expect(400, "BLOB_UPLOAD_INVALID");
    }
    for range in ["5-9", "18446744073709551613-18446744073709551614"] {
        let answer = fixture.send("PATCH", &upload, &[("content-range", range)], "x").await;
        answer.expect(416, "BLOB_UPLOAD_INVALID");
    }
    fixture.get(&upload).await.expect(204, "");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let limits = Limits { manifest_bytes_max: 1000, blob_bytes_max: 1000, ..Limits::default() };
    let fixture = Fixture::with(limits, OPEN).await;
    let endless =
        || Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 100]))));
    fixture.send("PUT", "/v2/a/manifests/1", &[], endless()).await.expect(413, "SIZE_INVALID");
    fixture.send("PUT", "/v2/a/manifests/1", &[], vec![b' '; 1001]).await.expect(413, "SIZE_INVALID");
    for body in [endless(), Body::from(vec![0; 1001])] {
        let upload = fixture.begin("a").await;
        fixture.send("PATCH", &upload, &[], body).await.expect(413, "SIZE_INVALID");
        fixture.get(&upload).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    }
    let whole = format!("/v2/a/blobs/uploads/?digest={}", Digest::of("x"));
    fixture.send("POST", &whole, &[], endless()).await.expect(413, "SIZE_INVALID");
    fixture.send("POST", &whole, &[], "y").await.expect(400, "DIGEST_INVALID");
    fixture.get(&format!("/v2/a/blobs/{}", Digest::of("y"))).await.expect(404, "");
}

#[tokio::test]
async fn documents_are_no_trap() {
    let fixture = Fixture::new().await;
    let digest = Digest::of("x");
    let child = format!(r#"{{"mediaType":"{}","digest":"{digest}","size":1}}"#, media_type::OCI_MANIFEST);
    let index = |middle: &str| format!(r#"{{"schemaVersion":2,"manifests":[{child}]{middle}}}"#);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for (document, status, code) in [
        (deep("[", "]"), 400, "MANIFEST_INVALID"),
        (deep("{\"a\":", "}"), 400, "MANIFEST_INVALID"),
        (index(&format!(r#","x":{}"#, deep("[", "]"))), 400, "MANIFEST_INVALID"),
        (index(r#","schemaVersion":3"#), 400, "MANIFEST_INVALID"),
        (index(r#","layers":[]"#), 400, "MANIFEST_INVALID"),
        (index(",\"annotations\":{\"a\":\"\\ud800\"}"), 400, "MANIFEST_INVALID"),
        (index("").replace("\"size\":1", "\"size\":-1"), 400, "MANIFEST_INVALID"),
        (index("").replace("\"size\":1", "\"size\":1e400"), 400, "MANIFEST_INVALID"),
        (index("").replace("sha256:", "sha256:../"), 400, "MANIFEST_INVALID"),
        ("\u{feff}{}".to_owned(), 400, "MANIFEST_INVALID"),
        (String::new(), 400, "MANIFEST_INVALID"),
        (
            format!(r#"{{"schemaVersion":2,"manifests":[{child}{}]}}"#, format!(",{child}").repeat(20_000)),
            404,
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (index(""), 404, "MANIFEST_BLOB_UNKNOWN"),
    ] {
        let answer = fixture.put_manifest("a", "1", media_type::OCI_INDEX, document.into_bytes()).await;
        answer.expect(status, code);
        assert!(answer.body.len() < 10_000, "an answer does not repeat the question");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn refusals_are_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    // Holds on this thread, where the whole test runs.
    let _guard = tracing::subscriber::set_default(subscriber);
    let fixture = Fixture::with(Limits { manifest_bytes_max: 10, ..Limits::default() }, OPEN).await;
    fixture.send("PUT", "/v2/a/manifests/1?x=secret", &[], vec![b' '; 11]).await.expect(413, "SIZE_INVALID");
    fixture.get("/v2/a/manifests/none").await.expect(404, "");
    let text = String::from_utf8(lines.0.lock().expect("is whole").clone()).expect("is text");
    for part in [
        "WARN",
        "request refused",
        "PUT",
        "/v2/a/manifests/1",
        "SIZE_INVALID",
        "limit of 10 bytes",
        "127.0.0.1",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains("secret"), "{text}");
}
