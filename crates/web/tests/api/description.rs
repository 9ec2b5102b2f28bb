//! The description says what the routes do: each of them answers, and nothing else does.

use axum::http::Method;
use serde_json::{Value, json};

use super::fixture::{Api, As};

/// The description that is part of the reference.
const REFERENCE: &str = include_str!("../../../../docs/reference/openapi.json");

fn described() -> Value {
    serde_json::to_value(temper_web::description()).expect("is JSON")
}

#[test]
fn the_reference_is_of_this_code() {
    let reference: Value = serde_json::from_str(REFERENCE).expect("is JSON");
    assert!(reference == described(), "run `cargo xtask generate`");
    assert!(reference["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
}

#[test]
fn every_operation_says_how_it_fails_and_is_named_once() {
    let description = described();
    let mut names = Vec::new();
    for (path, operations) in description["paths"].as_object().expect("has paths") {
        for (method, operation) in operations.as_object().expect("has operations") {
            let shown = format!("{method} {path}");
            names.push(operation["operationId"].as_str().expect(&shown).to_owned());
            assert!(operation["summary"].is_string(), "{shown}");
            for failure in ["4XX", "5XX"] {
                let content = &operation["responses"][failure]["content"]["application/problem+json"];
                assert_eq!(content["schema"]["$ref"], "#/components/schemas/ProblemDetails", "{shown}");
            }
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

/// What nobody knows: every route answers something else than that it is no route.
#[tokio::test]
async fn every_described_route_is_one() {
    let api = Api::empty().await;
    for (path, operations) in described()["paths"].as_object().expect("has paths") {
        let path = path.strip_prefix("/api/v1").expect("is below the root");
        let path = path.replace(['{', '}'], "");
        for method in operations.as_object().expect("has operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("is a method");
            let body = (method != Method::GET).then(|| json!({}));
            let answer = api.send(&As::Anybody, method.clone(), &path, body, &[]).await;
            let kind = answer.body["type"].as_str().unwrap_or_default();
            let is_route = answer.body["detail"] != "there is no such route" && !kind.ends_with(":method");
            assert!(is_route, "{method} {path}: {}", answer.body);
        }
    }
    api.get(&As::Anybody, "/none").await.fails(404, "not-found");
    api.delete(&As::Anybody, "/organizations").await.fails(405, "method");
    let served = api.get(&As::Anybody, "/openapi.json").await.is(200);
    assert!(served.body == described());
}
