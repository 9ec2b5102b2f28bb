//! The catalog's cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use secrecy::SecretString;
use temper_registry::{
    Directory, DirectoryFuture, Identity, Limits, RepositoryName, RepositoryPolicy, Right, TokenAccess,
    TokenKey, TokenLimits, Tokens, Unproven,
};

use crate::fixture::Fixture;

/// Lets everybody in who shows a password, and counts them.
#[derive(Clone, Default)]
struct Door(Arc<AtomicUsize>);

fn ready<'a, T: Send + 'a>(answer: T) -> DirectoryFuture<'a, T> {
    Box::pin(std::future::ready(Ok(answer)))
}

impl Directory for Door {
    fn authenticate<'a>(
        &'a self,
        user: &'a str,
        _: &'a SecretString,
    ) -> DirectoryFuture<'a, Result<Identity, Unproven>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Identity { user: user.to_owned(), token: None, stamp: String::new() }))
    }

    fn is_current<'a>(&'a self, _: &'a Identity) -> DirectoryFuture<'a, bool> {
        ready(true)
    }

    fn right<'a>(
        &'a self,
        identity: Option<&'a Identity>,
        _: &'a RepositoryName,
    ) -> DirectoryFuture<'a, Option<Right>> {
        ready(identity.map(|_| Right::Admin))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> DirectoryFuture<'a, RepositoryPolicy> {
        ready(RepositoryPolicy::default())
    }
}

#[tokio::test]
async fn who_asks_for_the_catalog_logs_in_once() {
    let door = Door::default();
    let key = TokenKey::generate().expect("makes");
    let tokens = Tokens::new(&key, Arc::new(|| 0), TokenLimits::default());
    let access = TokenAccess::new(Arc::new(door.clone()), tokens);
    let fixture = Fixture::with(Limits::default(), access).await;
    // `a:a`.
    let login = [("authorization", "Basic YTph")];
    for repository in ["a", "b", "c", "d"] {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", temper_oci::Digest::of("x"));
        fixture.send("POST", &path, &login, "x").await.expect(201, "");
    }
    let before = door.0.load(Ordering::Relaxed);
    let answer = fixture.send("GET", "/v2/_catalog", &login, Body::empty()).await;
    assert_eq!(answer.json()["repositories"], serde_json::json!(["a", "b", "c", "d"]));
    let logins = door.0.load(Ordering::Relaxed) - before;
    assert_eq!(logins, 2, "for the request and for all repositories together");
}
