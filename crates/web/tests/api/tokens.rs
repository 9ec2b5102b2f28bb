//! Access tokens: what they may, when they end, and who makes them.

use serde_json::json;

use super::fixture::{Api, As};

const EDIT: &str = "/organizations/acme/repositories/dhi-python";

#[tokio::test]
async fn a_token_may_never_more_than_it_says_or_its_owner_may() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let reads = api.token(&olga, "/user/tokens", json!({"name": "reads"})).await;
    let writes = api.token(&olga, "/user/tokens", json!({"name": "writes", "may_write": true})).await;
    let some = json!({"name": "some", "may_write": true, "repositories": ["acme/dhi-*"]});
    let some = api.token(&olga, "/user/tokens", some).await;
    let weak = api.token(&As::User("mia"), "/user/tokens", json!({"name": "weak", "may_write": true})).await;
    for (who, sees_secret, edits, owns) in [
        (&reads, true, false, false),
        (&writes, true, true, true),
        (&some, false, true, false),
        (&weak, true, false, false),
    ] {
        let secret = api.get(who, "/organizations/acme/repositories/secret").await.status;
        assert_eq!(secret.is_success(), sees_secret, "{who:?}");
        let edited = api.patch(who, EDIT, json!({"description": "x"})).await;
        assert_eq!(edited.status.is_success(), edits, "{who:?}: {}", edited.body);
        let owned = api.patch(who, "/organizations/acme", json!({"description": "x"})).await;
        assert_eq!(owned.status.is_success(), owns, "{who:?}: {}", owned.body);
    }
    let detail = api.patch(&reads, "/organizations/acme", json!({})).await.fails(403, "forbidden");
    assert!(detail.contains("an access token that may write"), "{detail}");
    let detail = api.patch(&some, "/organizations/acme", json!({})).await.fails(403, "forbidden");
    assert!(detail.contains("an access token for all repositories"), "{detail}");
}

#[tokio::test]
async fn a_token_of_an_organization_is_for_its_repositories_alone() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let path = "/organizations/acme/tokens";
    let pull = api.token(&olga, path, json!({"name": "pull"})).await;
    let push = api.token(&olga, path, json!({"name": "push", "may_write": true})).await;
    for (who, right) in [(&pull, "read"), (&push, "write")] {
        assert_eq!(api.get(who, EDIT).await.is(200).body["right"], right);
        assert_eq!(api.get(who, "/organizations").await.is(200).items("name"), ["acme"]);
        api.get(who, "/organizations/other").await.fails(404, "not-found");
        api.get(who, "/user").await.fails(401, "unauthenticated");
        for (path, body) in
            [("/organizations", json!({"name": "new"})), ("/organizations/acme/teams", json!({"name": "x"}))]
        {
            api.post(who, path, body).await.fails(403, "forbidden");
        }
        api.delete(who, EDIT).await.fails(403, "forbidden");
    }
    // A token for pull cannot create.
    for (who, expected) in [(&pull, false), (&push, true)] {
        let As::Token(secret) = who else { unreachable!("it is a token") };
        let caller =
            api.hub.authenticate_bearer(&secret.as_str().into()).await.expect("looks").expect("holds");
        let may =
            api.hub.require_customize(&caller.caller, "acme/dhi-python", "creating a customization").await;
        assert_eq!(may.is_ok(), expected, "{may:?}");
        let named = api.hub.authenticate("other", &secret.as_str().into()).await.expect("looks");
        assert!(named.is_err(), "it is not a token of `other`");
    }
}

#[tokio::test]
async fn tokens_are_shown_once_end_and_are_revoked() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let past = json!({"name": "past", "expires_at": "2023-01-01T00:00:00Z"});
    let answer = api.post(&olga, "/user/tokens", past).await.is(422);
    assert_eq!(answer.body["problems"][0]["path"], "expires_at");
    api.post(&olga, "/user/tokens", json!({"name": "x", "expires_at": "soon"})).await.fails(400, "request");
    api.post(&olga, "/user/tokens", json!({"name": "x", "repositories": ["["]})).await.is(422);
    let new = json!({"name": "ci", "expires_at": "2023-11-14T22:20:00Z"});
    let token = api.token(&olga, "/user/tokens", new.clone()).await;
    api.post(&olga, "/user/tokens", new).await.fails(409, "conflict");
    let listed = api.get(&olga, "/user/tokens").await.is(200);
    assert_eq!(listed.items("name"), ["ci"]);
    let As::Token(secret) = &token else { unreachable!("it is a token") };
    assert!(!listed.body.to_string().contains(secret.as_str()), "it is shown once");
    api.get(&token, "/user").await.is(200);
    let used = api.get(&olga, "/user/tokens").await.is(200);
    assert!(used.body["items"][0]["used_at"].is_string());
    api.wait(3_600);
    api.get(&token, "/user").await.fails(401, "unauthenticated");
    let forever = api.token(&olga, "/user/tokens", json!({"name": "forever", "may_write": true})).await;
    for path in ["/user/tokens", "/organizations/acme/tokens"] {
        let detail = api.post(&forever, path, json!({"name": "child"})).await.fails(403, "forbidden");
        assert!(detail.contains("a login with a password"), "no token makes others: {detail}");
    }
    api.delete(&As::User("mia"), "/user/tokens/forever").await.fails(404, "not-found");
    api.delete(&olga, "/user/tokens/forever").await.is(204);
    api.get(&forever, "/user").await.fails(401, "unauthenticated");
}
