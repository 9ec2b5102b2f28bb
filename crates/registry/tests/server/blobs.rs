//! Reading, mounting and deleting blobs.

use axum::body::Body;
use temper_oci::{Digest, DigestHasher};
use temper_registry::{
    Access, AccessRequest, Action, Actor, Decision, DecisionFuture, Limits, PolicyFuture, RepositoryName,
    RepositoryPolicy,
};

use crate::fixture::Fixture;

#[tokio::test]
async fn blobs_are_read_whole_and_in_parts() {
    let fixture = Fixture::new().await;
    let digest = fixture.push_blob("a/b", b"0123456789").await;
    let path = format!("/v2/a/b/blobs/{digest}");
    for (range, status, content_range, body) in [
        (None, 200, None, "0123456789"),
        (Some("bytes=2-4"), 206, Some("bytes 2-4/10"), "234"),
        (Some("bytes=7-"), 206, Some("bytes 7-9/10"), "789"),
        (Some("bytes=-2"), 206, Some("bytes 8-9/10"), "89"),
        (Some("bytes=0-1,4-5"), 200, None, "0123456789"),
    ] {
        let headers: Vec<_> = range.map(|range| ("range", range)).into_iter().collect();
        let answer = fixture.send("GET", &path, &headers, Body::empty()).await;
        answer.expect(status, "");
        assert_eq!(answer.header("docker-content-digest"), digest.to_string());
        assert_eq!(answer.header("content-length"), body.len().to_string(), "{range:?}");
        let found = answer.headers.get("content-range").map(|value| value.to_str().expect("is text"));
        assert_eq!(found, content_range, "{range:?}");
        assert_eq!(answer.body, body, "{range:?}");
    }
    // A range is for `GET` alone.
    for range in ["bytes=2-4", "bytes=10-"] {
        let answer = fixture.send("HEAD", &path, &[("range", range)], Body::empty()).await;
        answer.expect(200, "");
        assert_eq!((answer.header("content-length"), answer.body.len()), ("10", 0), "{range}");
        assert_eq!(answer.headers.get("content-range"), None, "{range}");
    }
    let outside = fixture.send("GET", &path, &[("range", "bytes=10-")], Body::empty()).await;
    outside.expect(416, "");
    assert_eq!(outside.header("content-range"), "bytes */10");
}

#[tokio::test]
async fn blobs_of_other_repositories_stay_hidden_until_mounted() {
    let fixture = Fixture::new().await;
    let digest = fixture.push_blob("a/b", b"secret").await;
    let path = format!("/v2/a/other/blobs/{digest}");
    fixture.get(&path).await.expect(404, "BLOB_UNKNOWN");
    for (from, status) in [("&from=a/none", 202), ("&from=A/../b", 202), ("&from=a%2Fb", 201), ("", 201)] {
        let mount = format!("/v2/a/other/blobs/uploads/?mount={digest}{from}");
        let answer = fixture.send("POST", &mount, &[], Body::empty()).await;
        answer.expect(status, "");
        let expected = if status == 201 { path.as_str() } else { "/v2/a/other/blobs/uploads/" };
        assert!(answer.header("location").starts_with(expected), "{answer:?}");
    }
    assert_eq!(fixture.get(&path).await.body, "secret");
    let nowhere = format!("/v2/a/other/blobs/uploads/?mount={}", Digest::of("unknown"));
    fixture.send("POST", &nowhere, &[], Body::empty()).await.expect(202, "");
}

#[tokio::test]
async fn a_blob_is_mounted_from_anywhere_only_by_who_may_pull_it() {
    let fixture = Fixture::with(Limits::default(), HiddenSource).await;
    let digest = fixture.push_blob("hidden", b"secret").await;
    let mount = format!("/v2/other/blobs/uploads/?mount={digest}");
    fixture.send("POST", &mount, &[], Body::empty()).await.expect(202, "");
    fixture.push_blob("shown", b"secret").await;
    fixture.send("POST", &mount, &[], Body::empty()).await.expect(201, "");
}

/// Allows everything but to pull from the repository `hidden`.
struct HiddenSource;

impl Access for HiddenSource {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        let hidden =
            request.target.is_some_and(|(name, action)| name.as_str() == "hidden" && action == Action::Pull);
        let decision = if hidden { Decision::Hidden } else { Decision::Allowed(Actor::Anonymous) };
        Box::pin(std::future::ready(Ok(decision)))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> PolicyFuture<'a> {
        Box::pin(std::future::ready(Ok(RepositoryPolicy::default())))
    }
}

#[tokio::test]
async fn deleted_blobs_are_gone_from_their_repository_only() {
    let fixture = Fixture::new().await;
    let digest = fixture.push_blob("a/b", b"shared").await;
    fixture.push_blob("a/c", b"shared").await;
    let path = format!("/v2/a/b/blobs/{digest}");
    fixture.send("DELETE", &path, &[], Body::empty()).await.expect(202, "");
    fixture.send("DELETE", &path, &[], Body::empty()).await.expect(404, "BLOB_UNKNOWN");
    fixture.get(&path).await.expect(404, "BLOB_UNKNOWN");
    fixture.get(&format!("/v2/a/c/blobs/{digest}")).await.expect(200, "");
}

#[tokio::test]
async fn both_digest_algorithms_work() {
    let fixture = Fixture::new().await;
    let mut hasher = DigestHasher::sha512();
    hasher.update(b"long digest");
    let digest = hasher.finish();
    let path = format!("/v2/a/blobs/uploads/?digest={digest}");
    fixture.send("POST", &path, &[], "long digest").await.expect(201, "");
    fixture.send("POST", &path, &[], "other").await.expect(400, "DIGEST_INVALID");
    assert_eq!(fixture.get(&format!("/v2/a/blobs/{digest}")).await.body, "long digest");
    fixture.get(&format!("/v2/a/blobs/{}", Digest::of("long digest"))).await.expect(404, "BLOB_UNKNOWN");
    fixture.get("/v2/a/blobs/md5:00").await.expect(400, "DIGEST_INVALID");
}
