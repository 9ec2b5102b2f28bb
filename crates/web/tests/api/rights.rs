//! Who may what, over HTTP.

use serde_json::{Value, json};

use super::fixture::{Answer, Api, As};

/// The operations that owners alone may do, each with what is sent.
fn of_owners() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("PATCH", "/organizations/acme", json!({"description": "new"})),
        ("DELETE", "/organizations/acme", Value::Null),
        ("PUT", "/organizations/acme/members/sam", json!({"role": "member"})),
        ("DELETE", "/organizations/acme/members/max", Value::Null),
        ("POST", "/organizations/acme/teams", json!({"name": "testers"})),
        ("DELETE", "/organizations/acme/teams/developers", Value::Null),
        ("PUT", "/organizations/acme/teams/developers/members/mia", json!({})),
        ("DELETE", "/organizations/acme/teams/developers/members/max", Value::Null),
        (
            "PUT",
            "/organizations/acme/teams/developers/rights",
            json!({"repository": "acme/x", "right": "read"}),
        ),
        ("DELETE", "/organizations/acme/teams/developers/rights?repository=acme/dhi-*", Value::Null),
        ("GET", "/organizations/acme/tokens", Value::Null),
        ("POST", "/organizations/acme/tokens", json!({"name": "ci"})),
        ("DELETE", "/organizations/acme/tokens/ci", Value::Null),
        ("GET", "/organizations/acme/audit", Value::Null),
    ]
}

async fn send(api: &Api, who: &As, (method, path, body): &(&str, &str, Value)) -> Answer {
    let body = (!body.is_null()).then(|| body.clone());
    api.send(who, method.parse().expect("is a method"), path, body, &[]).await
}

#[tokio::test]
async fn members_know_of_what_owners_alone_may_do_and_strangers_of_nothing() {
    let api = Api::peopled().await;
    let missing = |operation: &(&'static str, &'static str, Value)| {
        (
            operation.0,
            Box::leak(operation.1.replace("acme", "none").into_boxed_str()) as &str,
            operation.2.clone(),
        )
    };
    for operation in of_owners() {
        let shown = format!("{} {}", operation.0, operation.1);
        let detail = send(&api, &As::User("mia"), &operation).await.fails(403, "forbidden");
        assert!(detail.contains("an owner of organization `acme`"), "{shown}: {detail}");
        let hidden = send(&api, &As::User("sam"), &operation).await.fails(404, "not-found");
        let absent = send(&api, &As::User("sam"), &missing(&operation)).await.fails(404, "not-found");
        assert_eq!(
            hidden.replace("acme", "none"),
            absent,
            "{shown}: what is hidden says the same as what is not there"
        );
        send(&api, &As::Anybody, &operation).await.fails(401, "unauthenticated");
        send(&api, &As::Anybody, &missing(&operation)).await.fails(401, "unauthenticated");
    }
}

#[tokio::test]
async fn owners_may_and_administrators_too() {
    for who in ["olga", "admin"] {
        let api = Api::peopled().await;
        // What is in something goes before it.
        let mut operations = of_owners();
        operations.sort_by_key(|(method, path, _)| {
            (*method == "DELETE", std::cmp::Reverse(path.matches('/').count()))
        });
        for operation in operations {
            let answer = send(&api, &As::User(who), &operation).await;
            assert!(answer.status.is_success(), "{who} {} {}: {}", operation.0, operation.1, answer.body);
        }
        api.get(&As::User(who), "/organizations/acme").await.fails(404, "not-found");
    }
}

#[tokio::test]
async fn whoever_has_no_right_cannot_see_that_a_repository_exists() {
    let api = Api::peopled().await;
    let (olga, max, mia, sam) = (As::User("olga"), As::User("max"), As::User("mia"), As::User("sam"));
    let path = |name: &str| format!("/organizations/acme/repositories/{name}");
    for (who, expected) in [(&olga, "admin"), (&max, "write"), (&mia, "read")] {
        let found = api.get(who, &path("dhi-python")).await.is(200);
        assert_eq!(found.body["right"], expected, "{who:?}");
    }
    let hidden = api.get(&sam, &path("dhi-python")).await.fails(404, "not-found");
    let absent = api.get(&sam, &path("none")).await.fails(404, "not-found");
    assert_eq!(hidden.replace("dhi-python", "none"), absent);
    api.get(&sam, "/organizations/acme/repositories").await.fails(404, "not-found");
    api.get(&As::Anybody, &path("dhi-python")).await.fails(401, "unauthenticated");
    // Where teams alone say it, a member sees what the team may.
    api.patch(&olga, "/organizations/acme", json!({"member_right": "none"})).await.is(200);
    api.get(&mia, &path("dhi-python")).await.fails(404, "not-found");
    let listed = api.get(&max, "/organizations/acme/repositories").await.is(200);
    assert_eq!(listed.items("name"), ["acme/dhi-python"]);
    assert_eq!(
        api.get(&mia, "/organizations/acme/repositories").await.is(200).items("name"),
        Vec::<&str>::new()
    );
    // What is public, everybody sees, and nobody else changes.
    api.patch(&olga, &path("dhi-python"), json!({"is_public": true})).await.is(200);
    for who in [&sam, &As::Anybody] {
        let listed = api.get(who, "/organizations/acme/repositories").await.is(200);
        assert_eq!(listed.items("name"), ["acme/dhi-python"], "{who:?}");
    }
    let detail =
        api.patch(&sam, &path("dhi-python"), json!({"description": "x"})).await.fails(403, "forbidden");
    assert!(detail.contains("the right to admin repository `acme/dhi-python`"), "{detail}");
    api.patch(&max, &path("dhi-python"), json!({"description": "x"})).await.fails(403, "forbidden");
    api.delete(&mia, &path("secret")).await.fails(404, "not-found");
}

#[tokio::test]
async fn customizing_is_for_members_and_never_for_what_is_public_alone() {
    let api = Api::peopled().await;
    let olga = As::User("olga");
    let path = "/organizations/acme/repositories/dhi-python";
    api.patch(&olga, path, json!({"is_public": true})).await.is(200);
    let may = async |name: &str| {
        let caller = api.hub.authenticate(name, &super::fixture::PASSWORD.into()).await.expect("looks");
        let caller = caller.expect("is somebody").caller;
        api.hub.require_customize(&caller, "acme/dhi-python", "creating a customization").await
    };
    for (name, expected) in [("mia", true), ("max", true), ("olga", true), ("admin", true), ("sam", false)] {
        assert_eq!(may(name).await.is_ok(), expected, "{name}");
    }
    api.patch(&olga, "/organizations/acme", json!({"customization_right": "write"})).await.is(200);
    for (name, expected) in [("mia", false), ("max", true), ("olga", true), ("sam", false)] {
        assert_eq!(may(name).await.is_ok(), expected, "{name}");
    }
    for wrong in [json!({"customization_right": "admin"}), json!({"member_right": "admin"})] {
        assert!([400, 422].contains(&api.patch(&olga, "/organizations/acme", wrong).await.status.as_u16()));
    }
}
