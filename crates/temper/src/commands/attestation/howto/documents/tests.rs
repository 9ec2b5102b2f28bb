//! The files of a howto, read as their readers do.

use serde_json::{Value, json};
use temper_attest::predicate;

use super::*;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkw\nEw==\n-----END PUBLIC KEY-----\n";

fn facts() -> Facts {
    Facts {
        image: "registry.example:5000/acme/dhi-python:3.13_custom".to_owned(),
        repository: "registry.example:5000/acme/dhi-python".to_owned(),
        registry: "registry.example:5000".to_owned(),
        key_place: KEY_FILE.to_owned(),
        key: KEY.to_owned(),
        types: vec![("slsaprovenance1", predicate::SLSA_PROVENANCE), ("spdxjson", predicate::SPDX)],
        provenance: Some(("https://type.example/\"v1\"".to_owned(), "https://builder.example/v1".to_owned())),
    }
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&files(&facts())[name]).expect("is YAML")
}

#[test]
fn kyverno_asks_for_the_key_the_types_and_the_builder() {
    let policy = yaml("kyverno.yaml");
    let rule = &policy["spec"]["rules"][0]["verifyImages"][0];
    assert_eq!(rule["imageReferences"][0], "registry.example:5000/acme/dhi-python:*");
    let keys = |attestors: &Value| attestors[0]["entries"][0]["keys"].clone();
    assert_eq!(keys(&rule["attestors"])["publicKeys"], KEY.trim_end());
    assert_eq!(keys(&rule["attestors"])["rekor"]["ignoreTlog"], true);
    let attestations = rule["attestations"].as_array().expect("is a list");
    assert_eq!(attestations.len(), 2);
    assert_eq!(attestations[0]["type"], predicate::SLSA_PROVENANCE);
    assert_eq!(keys(&attestations[1]["attestors"])["publicKeys"], KEY.trim_end());
    let conditions = &attestations[0]["conditions"][0]["all"];
    assert_eq!(conditions[0]["key"], "{{ buildDefinition.buildType }}");
    assert_eq!(conditions[1]["value"], "https://builder.example/v1");
    assert_eq!(attestations[1]["conditions"], Value::Null);
}

#[test]
fn policy_controller_asks_for_the_same() {
    let policy = yaml("policy-controller.yaml");
    assert_eq!(policy["spec"]["images"][0]["glob"], "registry.example:5000/acme/dhi-python**");
    let authority = &policy["spec"]["authorities"][0];
    assert_eq!(authority["key"]["data"], KEY);
    assert_eq!(authority["attestations"][1]["predicateType"], predicate::SPDX);
    let policy = authority["attestations"][0]["policy"]["data"].as_str().expect("is a text");
    assert!(policy.contains(r#"buildType: "https://type.example/\"v1\"""#), "{policy}");
}

#[test]
fn the_pull_secret_names_the_registry() {
    let secret = yaml("pull-secret.yaml");
    let auths = secret["stringData"][".dockerconfigjson"].as_str().expect("is a text");
    let auths: Value = serde_json::from_str(auths).expect("is JSON");
    assert_eq!(auths["auths"]["registry.example:5000"], json!({ "username": "NAME", "password": "TOKEN" }));
}

#[test]
fn without_provenance_there_is_no_policy_for_it() {
    let facts = Facts { types: Vec::new(), provenance: None, ..facts() };
    let files = files(&facts);
    assert!(!files.contains_key(BUILD_POLICY));
    assert!(!files["kyverno.yaml"].contains("attestations"));
}

#[test]
fn names_are_those_of_kubernetes() {
    assert_eq!(object_name("registry.example:5000/acme/a__b"), "verify-registry-example-5000-acme-a-b");
    let long = object_name(&format!("registry.example/{}/x", "a".repeat(47)));
    assert!(long.len() <= NAME_LENGTH_MAX && !long.ends_with('-'), "{long}");
}
