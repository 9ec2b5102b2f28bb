//! Logging in and out, and what proves nothing.

use axum::http::Method;
use serde_json::json;

use super::fixture::{Api, As, PASSWORD};

#[tokio::test]
async fn a_session_holds_until_it_ends() {
    let api = Api::peopled().await;
    let begin = async || {
        let answer =
            api.post(&As::Anybody, "/sessions", json!({"user": "mia", "password": PASSWORD})).await.is(201);
        let cookie = answer.headers["set-cookie"].to_str().expect("is text").to_owned();
        (As::Token(answer.body["token"].as_str().expect("is shown").to_owned()), cookie)
    };
    let (session, cookie) = begin().await;
    assert!(
        cookie.starts_with("temper_session=temper_") && cookie.contains("HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(api.get(&session, "/user").await.is(200).body["name"], "mia");
    let cookie = cookie.split(';').next().expect("has a value");
    let headers = [("cookie", cookie)];
    api.send(&As::Anybody, Method::GET, "/user", None, &headers).await.is(200);
    let edit = Some(json!({"email": "mia@example.org"}));
    api.send(&As::Anybody, Method::PATCH, "/users/mia", edit, &headers).await.fails(400, "request");
    api.delete(&session, "/sessions/current").await.is(204);
    api.get(&session, "/user").await.fails(401, "unauthenticated");
    api.delete(&session, "/sessions/current").await.is(204);
    let (session, _) = begin().await;
    api.wait(31 * 24 * 3_600);
    api.get(&session, "/user").await.fails(401, "unauthenticated");
}

#[tokio::test]
async fn what_proves_nothing_tells_nothing() {
    let api = Api::peopled().await;
    let log_in = async |user: &str, password: &str| {
        let answer = api.post(&As::Anybody, "/sessions", json!({"user": user, "password": password})).await;
        answer.fails(401, "unauthenticated")
    };
    assert_eq!(log_in("mia", "wrong").await, log_in("nobody", "wrong").await);
    let token = api.token(&As::User("mia"), "/user/tokens", json!({"name": "ci"})).await;
    let As::Token(secret) = &token else { unreachable!("it is a token") };
    log_in("mia", secret).await;
    api.get(&As::Token("temper_none".to_owned()), "/user").await.fails(401, "unauthenticated");
    for header in ["Bearer", "Basic ???", "Digest x"] {
        let headers = [("authorization", header)];
        api.send(&As::Anybody, Method::GET, "/user", None, &headers).await.fails(400, "request");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_words() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let detail =
        api.patch(&olga, "/organizations/acme", json!({"descriptio": "x"})).await.fails(422, "request");
    assert!(detail.contains("unknown field `descriptio`"), "{detail}");
    let detail = api.get(&olga, "/organizations?limit=0").await.fails(400, "request");
    assert!(detail.contains("1 to 500"), "{detail}");
    let large = json!({"description": "x".repeat(17 << 20)});
    api.patch(&olga, "/organizations/acme", large).await.fails(413, "too-large");
}
