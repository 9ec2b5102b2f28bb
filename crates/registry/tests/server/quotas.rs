//! Quotas: told early, kept, and not taken up by who is gone.

use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use futures_util::stream;
use temper_oci::{Digest, media_type};
use temper_registry::{
    Access, AccessRequest, DecisionFuture, Limits, LocalAccess, PolicyFuture, RepositoryName,
    RepositoryPolicy,
};

use crate::fixture::{Fixture, image, message_of};

static OPEN: LocalAccess = LocalAccess { push_from_loopback: true };

/// Everybody may do everything, in little room.
struct Narrow;

impl Access for Narrow {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        OPEN.decide(request)
    }

    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> PolicyFuture<'a> {
        let quota_bytes = repository.as_str().ends_with("/small").then_some(10);
        let policy = RepositoryPolicy {
            quota_bytes,
            organization_quota_bytes: Some(2000),
            ..RepositoryPolicy::default()
        };
        Box::pin(std::future::ready(Ok(policy)))
    }
}

#[tokio::test]
async fn quotas_are_told_early_and_kept() {
    let fixture = Fixture::with(Limits::default(), Narrow).await;
    fixture.push_blob("a/small", b"12345678").await;
    let upload = fixture.begin("a/small").await;
    let answer = fixture.send("PATCH", &upload, &[], "123").await;
    answer.expect(403, "DENIED");
    let message = message_of(&answer);
    assert_eq!(
        message,
        "quota of `a/small` is used up: 8 bytes of 10 bytes are used, 3 bytes more do not fit"
    );
    assert_eq!(answer.json()["errors"][0]["detail"]["limit_bytes"], 10);
    let big: &'static [u8] = vec![1; 1200].leak();
    let digest = fixture.push_blob("b/large", big).await;
    fixture.push_image("b/other", "1").await;
    let manifest = image(None).to_bytes();
    let answer = fixture.put_manifest("b/other", "2", media_type::OCI_MANIFEST, manifest).await;
    answer.expect(201, "");
    let mount = format!("/v2/a/small/blobs/uploads/?mount={digest}&from=b/large");
    let answer = fixture.send("POST", &mount, &[], Body::empty()).await;
    answer.expect(403, "DENIED");
    let more = stream::iter(["x"; 500].map(|text| Ok::<_, std::io::Error>(Bytes::from(text))));
    let path = format!("/v2/b/large/blobs/uploads/?digest={}", Digest::of("x".repeat(500)));
    let answer = fixture.send("POST", &path, &[], Body::from_stream(more)).await;
    answer.expect(403, "DENIED");
    assert!(
        answer.json()["errors"][0]["message"]
            .to_string()
            .contains("quota of `b` is used up: 1.6 KiB of 2.0 KiB"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_arrives_counts_in_quotas_until_its_client_is_gone() {
    let fixture = Fixture::with(Limits::default(), Narrow).await;
    let (first, second) = (fixture.begin("a/small").await, fixture.begin("a/small").await);
    fixture.send("PATCH", &first, &[], "123456").await.expect(202, "");
    let refused = fixture.send("PATCH", &second, &[], "12345").await;
    refused.expect(403, "DENIED");
    assert_eq!(
        message_of(&refused),
        "quota of `a/small` is used up: 0 bytes of 10 bytes are used and 6 bytes arrive in other uploads, 5 bytes more \
         do not fit"
    );
    fixture.send("PATCH", &first, &[("content-range", "6-9")], "789a").await.expect(202, "");

    fixture.now.fetch_add(61_000_000, Ordering::Relaxed);
    let third = fixture.begin("a/small").await;
    let much = fixture.send("PATCH", &third, &[], "more than the quota").await;
    much.expect(403, "DENIED");
    fixture.get(&first).await.expect(204, "");
    fixture.now.fetch_add(61_000_000, Ordering::Relaxed);
    let last = format!("/v2/a/small/blobs/uploads/?digest={}", Digest::of("12345"));
    fixture.send("POST", &last, &[], "12345").await.expect(201, "");
    fixture.get(&first).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    let staged = std::fs::read_dir(fixture.folder.path().join("uploads")).expect("lists");
    assert_eq!(staged.count(), 0);
}
