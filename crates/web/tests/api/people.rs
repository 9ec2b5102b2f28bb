//! Users, members and the audit log.

use serde_json::json;

use super::fixture::{Api, As, PASSWORD, basic};

#[tokio::test]
async fn users_are_the_administrators_to_make_and_remove() {
    let api = Api::peopled().await;
    let (admin, mia) = (As::User("admin"), As::User("mia"));
    api.post(&mia, "/users", json!({"name": "new", "password": PASSWORD})).await.fails(403, "forbidden");
    api.get(&mia, "/users").await.fails(403, "forbidden");
    api.get(&mia, "/users/olga").await.fails(404, "not-found");
    let own = api.get(&mia, "/user").await.is(200);
    assert_eq!((&own.body["name"], &own.body["is_admin"]), (&json!("mia"), &json!(false)));
    api.get(&As::Anybody, "/user").await.fails(401, "unauthenticated");
    let wrong = json!({"name": "No Name", "password": "short", "email": "nowhere"});
    let answer = api.post(&admin, "/users", wrong).await.is(422);
    let paths: Vec<_> = answer.body["problems"].as_array().expect("has problems").iter().collect();
    let paths: Vec<_> = paths.iter().map(|problem| problem["path"].as_str().expect("has a place")).collect();
    assert_eq!(paths, ["name", "email", "password"], "all at once");
    let taken = api.post(&admin, "/users", json!({"name": "acme", "password": PASSWORD})).await;
    assert!(taken.fails(409, "conflict").contains("`acme` is taken"));
    let detail = api.delete(&admin, "/users/olga").await.fails(409, "conflict");
    assert!(detail.contains("last owner"), "{detail}");
    api.delete(&admin, "/users/admin").await.fails(409, "conflict");
    api.patch(&admin, "/users/admin", json!({"is_disabled": true})).await.fails(409, "conflict");
    api.delete(&admin, "/users/max").await.is(204);
    let members = api.get(&As::User("olga"), "/organizations/acme/members").await.is(200);
    assert_eq!(members.items("user"), ["mia", "olga"]);
}

#[tokio::test]
async fn a_disabled_user_is_let_in_nowhere() {
    let api = Api::peopled().await;
    let mia = As::User("mia");
    let token = api.token(&mia, "/user/tokens", json!({"name": "ci"})).await;
    let session =
        api.post(&As::Anybody, "/sessions", json!({"user": "mia", "password": PASSWORD})).await.is(201);
    let session = As::Token(session.body["token"].as_str().expect("is shown").to_owned());
    for who in [&mia, &token, &session] {
        api.get(who, "/organizations").await.is(200);
    }
    api.patch(&As::User("admin"), "/users/mia", json!({"is_disabled": true})).await.is(200);
    for who in [&mia, &token, &session] {
        api.get(who, "/organizations").await.fails(401, "unauthenticated");
    }
    api.patch(&As::User("admin"), "/users/mia", json!({"is_disabled": false})).await.is(200);
    for (who, status) in [(&mia, 200), (&token, 200), (&session, 401)] {
        api.get(who, "/organizations").await.is(status);
    }
}

#[tokio::test]
async fn whoever_changes_their_password_knows_the_old_one() {
    let api = Api::peopled().await;
    let mia = As::User("mia");
    let new = "another good password";
    for old in [json!(null), json!("wrong")] {
        let edit = json!({"password": new, "old_password": old});
        api.patch(&mia, "/users/mia", edit).await.fails(401, "unauthenticated");
    }
    let token = api.token(&mia, "/user/tokens", json!({"name": "ci", "may_write": true})).await;
    let edit = json!({"password": new, "old_password": PASSWORD});
    api.patch(&token, "/users/mia", edit.clone()).await.fails(403, "forbidden");
    api.patch(&mia, "/users/mia", json!({"is_admin": true})).await.fails(403, "forbidden");
    api.patch(&mia, "/users/mia", edit).await.is(200);
    api.get(&mia, "/user").await.fails(401, "unauthenticated");
    let header = [("authorization", basic("mia", new))];
    let header = [(header[0].0, header[0].1.as_str())];
    api.send(&As::Anybody, axum::http::Method::GET, "/user", None, &header).await.is(200);
}

#[tokio::test]
async fn the_last_owner_stays_and_members_may_leave() {
    let api = Api::peopled().await;
    let (olga, mia) = (As::User("olga"), As::User("mia"));
    api.delete(&olga, "/organizations/acme/members/olga").await.fails(409, "conflict");
    api.put(&olga, "/organizations/acme/members/olga", json!({"role": "member"}))
        .await
        .fails(409, "conflict");
    api.put(&olga, "/organizations/acme/members/nobody", json!({"role": "member"}))
        .await
        .fails(404, "not-found");
    api.delete(&mia, "/organizations/acme/members/max").await.fails(403, "forbidden");
    api.delete(&mia, "/organizations/acme/members/mia").await.is(204);
    api.get(&mia, "/organizations/acme").await.fails(404, "not-found");
    let strange = "/organizations/acme/teams/developers/members/mia";
    let detail = api.put(&olga, strange, json!({})).await.fails(409, "conflict");
    assert!(detail.contains("does not belong"), "{detail}");
    let foreign = json!({"repository": "other/x", "right": "read"});
    let answer = api.put(&olga, "/organizations/acme/teams/developers/rights", foreign).await.is(422);
    assert_eq!(answer.body["problems"][0]["message"], "`other/x` does not begin with `acme/`");
}

#[tokio::test]
async fn the_audit_log_tells_who_changed_what() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    api.patch(&olga, "/organizations/acme", json!({"description": "new"})).await.is(200);
    let log = api.get(&olga, "/organizations/acme/audit?limit=3").await.is(200);
    assert_eq!(log.items("action")[0], "organization.edit");
    let event = &log.body["items"][0];
    assert_eq!((&event["actor"], &event["subject"]), (&json!("olga"), &json!("acme")));
    assert_eq!(
        (&event["before"]["description"], &event["after"]["description"]),
        (&json!(""), &json!("new"))
    );
    let next = log.body["next"].as_str().expect("there is more");
    let more = api.get(&olga, &format!("/organizations/acme/audit?after={next}&limit=500")).await.is(200);
    assert_eq!(more.items("action").last(), Some(&"organization.create"));
    let filtered = api.get(&olga, "/organizations/acme/audit?action=team.&actor=olga").await.is(200);
    assert_eq!(filtered.items("action"), ["team.right.set", "team.member.add", "team.create"]);
    api.get(&olga, "/audit").await.fails(403, "forbidden");
    let all = api.get(&As::User("admin"), "/audit?limit=500").await.is(200);
    assert_eq!(all.items("action").last(), Some(&"user.create"));
    assert!(!all.body.to_string().contains("hash"), "passwords are in no log");
}
