//! Uploads in one piece, in several, and broken ones.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use temper_oci::Digest;
use temper_registry::{Limits, LocalAccess};

use crate::fixture::Fixture;

const OPEN: LocalAccess = LocalAccess { push_from_loopback: true };

#[tokio::test]
async fn every_way_of_pushing_ends_with_the_same_blob() {
    let fixture = Fixture::new().await;
    let digest = Digest::of("abcdef");
    let blob = format!("/v2/way/blobs/{digest}");
    let stream = || Body::from_stream(stream::iter(["abc", "def"].map(Ok::<_, std::io::Error>)));
    let gone = async || fixture.send("DELETE", &blob, &[], Body::empty()).await.expect(202, "");
    let there = async || assert_eq!(fixture.get(&blob).await.body, "abcdef");

    let post = format!("/v2/way/blobs/uploads/?digest={digest}");
    fixture.send("POST", &post, &[], stream()).await.expect(201, "");
    there().await;
    gone().await;

    let upload = fixture.begin("way").await;
    let answer = fixture.send("PUT", &format!("{upload}?digest={digest}"), &[], stream()).await;
    answer.expect(201, "");
    assert_eq!(answer.header("location"), blob);
    there().await;
    gone().await;

    let upload = fixture.begin("way").await;
    fixture.send("PATCH", &upload, &[], stream()).await.expect(202, "");
    fixture.send("PUT", &format!("{upload}?digest={digest}"), &[], Body::empty()).await.expect(201, "");
    there().await;
    gone().await;

    let upload = fixture.begin("way").await;
    let answer = fixture.send("PATCH", &upload, &[("content-range", "0-2")], "abc").await;
    answer.expect(202, "");
    assert_eq!(answer.header("range"), "0-2");
    fixture.send("PATCH", &upload, &[("content-range", "3-4")], "de").await.expect(202, "");
    let last = format!("{upload}?digest={digest}");
    fixture.send("PUT", &last, &[("content-range", "5-5")], "f").await.expect(201, "");
    there().await;
    fixture.send("PUT", &last, &[], Body::empty()).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin("a").await;
    let broken = stream::iter([Ok(Bytes::from("abc")), Err(std::io::Error::other("gone"))]);
    let answer = fixture.send("PATCH", &upload, &[], Body::from_stream(broken)).await;
    answer.expect(400, "BLOB_UPLOAD_INVALID");
    let status = fixture.get(&upload).await;
    status.expect(204, "");
    assert_eq!((status.header("range"), status.header("location")), ("0-2", upload.as_str()));

    let answer = fixture.send("PATCH", &upload, &[("content-range", "0-2")], "abc").await;
    answer.expect(416, "BLOB_UPLOAD_INVALID");
    assert_eq!(answer.header("range"), "0-2");
    fixture.send("PATCH", &upload, &[("content-range", "3-5")], "def").await.expect(202, "");
    let last = format!("{upload}?digest={}", Digest::of("abcdef"));
    fixture.send("PUT", &last, &[], Body::empty()).await.expect(201, "");
}

/// Lists how many bytes of each upload are staged.
fn staged(fixture: &Fixture) -> Vec<u64> {
    let files = std::fs::read_dir(fixture.folder.path().join("uploads")).expect("lists");
    files.map(|file| file.expect("lists").metadata().expect("is there").len()).collect()
}

#[tokio::test]
async fn what_does_not_fit_its_range_is_taken_back() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin("a").await;
    fixture.send("PATCH", &upload, &[("content-range", "0-2")], "abc").await.expect(202, "");
    for range in ["3-4", "3-9"] {
        let answer = fixture.send("PATCH", &upload, &[("content-range", range)], "xyz").await;
        answer.expect(400, "SIZE_INVALID");
        let status = fixture.get(&upload).await;
        assert_eq!((status.header("range"), staged(&fixture)), ("0-2", vec![3]), "{range}");
    }
    let last = format!("{upload}?digest={}", Digest::of("abcdef"));
    fixture.send("PUT", &last, &[("content-range", "3-5")], "def").await.expect(201, "");
}

#[tokio::test]
async fn wrong_uploads_leave_nothing() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin("a").await;
    for (range, status, code) in [
        ("2-1", 400, "BLOB_UPLOAD_INVALID"),
        ("x", 400, "BLOB_UPLOAD_INVALID"),
        ("0-18446744073709551615", 400, "BLOB_UPLOAD_INVALID"),
        ("7-9", 416, "BLOB_UPLOAD_INVALID"),
        ("0-9", 400, "SIZE_INVALID"),
        ("0-1", 400, "SIZE_INVALID"),
    ] {
        let answer = fixture.send("PATCH", &upload, &[("content-range", range)], "abc").await;
        answer.expect(status, code);
        assert_eq!(staged(&fixture), [0], "{range}");
    }
    fixture.send("PUT", &upload, &[], Body::empty()).await.expect(400, "DIGEST_INVALID");
    let wrong = format!("{upload}?digest={}", Digest::of("other"));
    fixture.send("PUT", &wrong, &[], Body::empty()).await.expect(400, "DIGEST_INVALID");
    fixture.get(&upload).await.expect(404, "BLOB_UPLOAD_UNKNOWN");

    let upload = fixture.begin("a").await;
    let elsewhere = upload.replace("/v2/a/", "/v2/b/");
    fixture.get(&elsewhere).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    fixture.send("DELETE", &upload, &[], Body::empty()).await.expect(204, "");
    fixture.send("DELETE", &upload, &[], Body::empty()).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(staged(&fixture), [0; 0]);
    let left = std::fs::read_dir(fixture.folder.path().join("blobs")).expect("lists");
    let left: Vec<_> = left.map(|entry| entry.expect("lists").file_name()).collect();
    assert_eq!(left.len(), 2, "only the folders of the algorithms: {left:?}");
}

#[tokio::test]
async fn uploads_are_bounded() {
    let limits = Limits {
        blob_bytes_max: 10,
        uploads_max: 2,
        upload_idle_max: Duration::from_secs(1),
        body_silence_max: Duration::from_millis(50),
        ..Limits::default()
    };
    let fixture = Fixture::with(limits, OPEN).await;
    let upload = fixture.begin("a").await;
    fixture.send("PATCH", &upload, &[], "0123456").await.expect(202, "");
    fixture.send("PATCH", &upload, &[], "789ab").await.expect(413, "SIZE_INVALID");
    assert_eq!(staged(&fixture), [0; 0], "it can never become a blob");
    let upload = fixture.begin("a").await;
    let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    fixture.send("PATCH", &upload, &[], silent).await.expect(408, "BLOB_UPLOAD_INVALID");

    fixture.begin("a").await;
    let refused = fixture.send("POST", "/v2/a/blobs/uploads/", &[], Body::empty()).await;
    refused.expect(429, "TOOMANYREQUESTS");
    fixture.now.fetch_add(2_000_000, std::sync::atomic::Ordering::Relaxed);
    fixture.begin("a").await;
    fixture.get(&upload).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn idle_uploads_make_room_for_new_ones() {
    let limits = Limits {
        uploads_max: 3,
        repository_uploads_max: 2,
        upload_idle_min: Duration::from_mins(1),
        ..Limits::default()
    };
    let fixture = Fixture::with(limits, OPEN).await;
    let pass =
        |seconds: i64| fixture.now.fetch_add(seconds * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    let refused = async |repository: &str| {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let answer = fixture.send("POST", &path, &[], Body::empty()).await;
        answer.expect(429, "TOOMANYREQUESTS");
    };
    let filled = fixture.begin("a").await;
    fixture.send("PATCH", &filled, &[], "abc").await.expect(202, "");
    pass(10);
    let empty = fixture.begin("a").await;
    refused("a").await;
    fixture.begin("b").await;
    refused("c").await;

    pass(61);
    fixture.begin("a").await;
    fixture.get(&empty).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(fixture.get(&filled).await.header("range"), "0-2", "what is not empty goes last");
    refused("a").await;
    fixture.begin("c").await;
    refused("c").await;
}

#[tokio::test]
async fn one_request_writes_at_a_time() {
    let fixture = Fixture::new().await;
    let upload = fixture.begin("a").await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let body = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|bytes| (Ok::<_, std::io::Error>(bytes), receiver))
    });
    let writing = fixture.send("PATCH", &upload, &[], Body::from_stream(body));
    let meanwhile = async {
        tokio::task::yield_now().await;
        fixture.send("PATCH", &upload, &[], "x").await.expect(409, "BLOB_UPLOAD_INVALID");
        fixture.get(&upload).await.expect(204, "");
        sender.send(Bytes::from("abc")).expect("is read");
        drop(sender);
    };
    let (answer, ()) = tokio::join!(writing, meanwhile);
    answer.expect(202, "");
    assert_eq!(answer.header("range"), "0-2");
}
