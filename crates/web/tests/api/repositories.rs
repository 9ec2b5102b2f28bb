//! What holds in repositories, and who writes over whom.

use axum::http::Method;
use serde_json::json;

use super::fixture::{Api, As};

#[tokio::test]
async fn an_edit_names_the_version_that_it_is_of() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    for path in ["/organizations/acme", "/organizations/acme/repositories/dhi-python"] {
        let found = api.get(&olga, path).await.is(200);
        let version = found.headers["etag"].to_str().expect("is text").to_owned();
        let headers = [("if-match", version.as_str())];
        let edit = |text: &str| Some(json!({"description": text}));
        let edited = api.send(&olga, Method::PATCH, path, edit("one"), &headers).await.is(200);
        assert_ne!(edited.headers["etag"], version.as_str());
        let detail = api.send(&olga, Method::PATCH, path, edit("two"), &headers).await.fails(412, "stale");
        assert!(detail.contains("was changed since it was read"), "{detail}");
        assert_eq!(api.get(&olga, path).await.is(200).body["description"], "one");
        let any = [("if-match", "*")];
        api.send(&olga, Method::PATCH, path, edit("two"), &any).await.is(200);
        let wrong = [("if-match", "seven")];
        api.send(&olga, Method::PATCH, path, edit("two"), &wrong).await.fails(400, "request");
    }
}

#[tokio::test]
async fn settings_are_the_rules_of_the_registry() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let path = "/organizations/acme/repositories/a%2Fb";
    let edit = json!({"is_public": true, "immutable_tags": ["v*"], "quota_bytes": 5, "retention_days": 3});
    let set = api.patch(&olga, path, edit).await.is(200);
    assert_eq!(set.body["name"], "acme/a/b");
    assert_eq!(set.body["immutable_tags"], json!(["v*"]));
    let policy = api.hub.policy("acme/a/b").await.expect("reads").settings;
    assert_eq!((policy.is_public, policy.quota_bytes, policy.retention_days), (true, Some(5), Some(3)));
    let set = api.patch(&olga, path, json!({"immutable_tags": "all", "quota_bytes": null})).await.is(200);
    assert_eq!((&set.body["immutable_tags"], set.body.get("quota_bytes")), (&json!("all"), None));
    assert_eq!(set.body["retention_days"], 3, "what is absent stays");
    api.patch(&olga, path, json!({"immutable_tags": ["["]})).await.is(422);
    api.patch(&olga, "/organizations/acme/repositories/A", json!({})).await.is(422);
    let listed = api.get(&olga, "/organizations/acme/repositories?limit=2").await.is(200);
    assert_eq!(listed.items("name"), ["acme/a/b", "acme/dhi-python"]);
    assert_eq!(listed.body["next"], "acme/dhi-python");
    let rest = api.get(&olga, "/organizations/acme/repositories?limit=2&after=acme/dhi-python").await.is(200);
    assert_eq!((rest.items("name"), rest.body.get("next")), (vec!["acme/secret"], None));
    api.delete(&olga, path).await.is(204);
    api.get(&olga, path).await.fails(404, "not-found");
}
