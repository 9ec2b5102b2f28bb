//! Rights, and requests that no honest client sends.

use axum::body::Body;
use temper_oci::media_type;
use temper_registry::{
    Access, AccessRequest, Action, Actor, Decision, DecisionFuture, Limits, PolicyFuture, RepositoryName,
    RepositoryPolicy,
};

use crate::fixture::Fixture;

#[tokio::test]
async fn strangers_pull_and_do_not_push() {
    let fixture = Fixture::new().await;
    for (method, path, status, code) in [
        ("GET", "/v2/", 200, ""),
        ("GET", "/v2/a/manifests/1", 404, "MANIFEST_UNKNOWN"),
        ("POST", "/v2/a/blobs/uploads/", 403, "DENIED"),
        ("GET", "/v2/a/blobs/uploads/1", 403, "DENIED"),
        ("PUT", "/v2/a/manifests/1", 403, "DENIED"),
        ("DELETE", "/v2/a/manifests/1", 403, "DENIED"),
    ] {
        let answer = fixture.send_from("10.0.0.1:9", method, path, &[], Body::empty()).await;
        answer.expect(status, code);
    }
    for header in [("host", "rebound.example:5080"), ("origin", "https://page.example")] {
        let page = fixture.send("POST", "/v2/a/blobs/uploads/", &[header], Body::empty()).await;
        page.expect(403, "DENIED");
    }
}

/// Hides `secret/…` and lets everything else pass.
struct Hiding;

impl Access for Hiding {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        let hidden = request
            .target
            .is_some_and(|(name, action)| name.as_str().starts_with("secret/") && action == Action::Pull);
        Box::pin(std::future::ready(Ok(if hidden {
            Decision::Hidden
        } else {
            Decision::Allowed(Actor::Anonymous)
        })))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> PolicyFuture<'a> {
        Box::pin(std::future::ready(Ok(RepositoryPolicy::default())))
    }
}

#[tokio::test]
async fn hidden_repositories_look_like_missing_ones() {
    let fixture = Fixture::with(Limits::default(), Hiding).await;
    let digest = fixture.push_blob("secret/a", b"secret").await;
    fixture.get(&format!("/v2/secret/a/blobs/{digest}")).await.expect(404, "NAME_UNKNOWN");
    fixture.get("/v2/secret/a/tags/list").await.expect(404, "NAME_UNKNOWN");
    let mount = format!("/v2/open/blobs/uploads/?mount={digest}&from=secret/a");
    fixture.send("POST", &mount, &[], Body::empty()).await.expect(202, "");
    fixture.get(&format!("/v2/open/blobs/{digest}")).await.expect(404, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn odd_paths_and_methods_are_answered() {
    let fixture = Fixture::new().await;
    let deep = "[".repeat(1 << 20);
    for (method, path, status, code) in [
        ("GET", "/v2", 200, ""),
        ("GET", "/v2/", 200, ""),
        ("HEAD", "/v2/", 200, ""),
        ("POST", "/v2/", 405, "UNSUPPORTED"),
        ("GET", "/v2/a", 404, "UNSUPPORTED"),
        ("GET", "/v2/_catalog/x", 404, "UNSUPPORTED"),
        ("PUT", "/v2/_catalog", 405, "UNSUPPORTED"),
        ("GET", "/v2/../manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/%2e%2e/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/A/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/a%00/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/a/manifests/.INVALID", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/a/manifests/%2e%2e", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/a/blobs/../../etc/passwd", 404, "UNSUPPORTED"),
        ("GET", "/v2/a/blobs/sha256:..", 400, "DIGEST_INVALID"),
        ("GET", "/v2/a/blobs/uploads/..", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("POST", "/v2/a/manifests/1", 405, "UNSUPPORTED"),
        ("PATCH", "/v2/a/tags/list", 405, "UNSUPPORTED"),
        ("PUT", "/v2/a/blobs/uploads/", 405, "UNSUPPORTED"),
    ] {
        let answer = fixture.send(method, path, &[], Body::empty()).await;
        answer.expect(status, if method == "HEAD" { "" } else { code });
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
    let answer = fixture.put_manifest("a", "1", media_type::OCI_MANIFEST, deep.into_bytes()).await;
    answer.expect(400, "MANIFEST_INVALID");
}
