//! What VEX statements must say, and whether they are about the image that they are attached to.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use temper_attest::vex::{Base, DropReason, Judged, inherit};
use temper_attest::{Limits, VexDocument};

use crate::fixtures::digest;
use crate::inventory::inventory;

fn document(statement: &Value) -> VexDocument {
    let value = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://publisher.example/vex/1",
        "author": "Publisher",
        "timestamp": "2025-12-01T00:00:00Z",
        "version": 3,
        "statements": [statement],
    });
    VexDocument::parse(value.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn statement(fields: &Value) -> Value {
    let mut statement = json!({"vulnerability": {"name": "CVE-1"}, "status": "not_affected"});
    let fields = fields.as_object().unwrap().clone();
    statement.as_object_mut().unwrap().extend(fields);
    statement
}

#[test]
fn a_status_wants_its_reason() {
    for (fields, expected) in [
        (json!({}), "justification: status `not_affected` needs a `justification` or an `impact_statement`"),
        (
            json!({"justification": ""}),
            "justification: status `not_affected` needs a `justification` or an `impact_statement`",
        ),
        (json!({"justification": "trust me"}), "justification: `trust me` is no justification"),
        (
            json!({"justification": "trust me", "impact_statement": "x"}),
            "justification: `trust me` is no justification",
        ),
        (json!({"justification": "component_not_present"}), ""),
        (json!({"impact_statement": "the code is never reached"}), ""),
        (json!({"status": "affected"}), "action_statement: status `affected` needs an `action_statement`"),
        (json!({"status": "affected", "action_statement": "update"}), ""),
        (json!({"status": "fixed"}), ""),
        (json!({"status": "under_investigation"}), ""),
        (
            json!({"status": "fixed", "vulnerability": {"name": ""}}),
            "vulnerability.name: it names no vulnerability",
        ),
    ] {
        let found: Vec<String> = document(&statement(&fields))
            .defects()
            .iter()
            .map(|(position, defect)| {
                assert_eq!(*position, 0);
                format!("{}: {defect}", defect.field())
            })
            .collect();
        assert_eq!(found.join("; "), expected, "{fields}");
    }
}

#[test]
fn reassurance_without_a_reason_is_not_passed_on() {
    let base = Base {
        digests: vec![digest("base index")],
        others: Vec::new(),
        repositories: Vec::new(),
        packages: inventory().packages,
        runs_alike: true,
    };
    let products = json!([{"@id": "pkg:deb/debian/libc6"}]);
    for (fields, is_kept) in [
        (json!({}), false),
        (json!({"justification": "x"}), false),
        (json!({"justification": "inline_mitigations_already_exist"}), true),
        // A warning warns, whatever it lacks.
        (json!({"status": "affected"}), true),
    ] {
        let mut said = statement(&fields);
        said["products"] = products.clone();
        let inherited = inherit(&[document(&said)], &base, &inventory(), &[]);
        assert_eq!(!inherited.document.statements.is_empty(), is_kept, "{fields}");
        let is_told = matches!(
            inherited.dropped.as_slice(),
            [dropped] if matches!(dropped.reason, DropReason::Unfounded(_))
        );
        assert_eq!(is_told, !is_kept, "{fields}: {:?}", inherited.dropped);
    }
}

#[test]
fn statements_are_about_the_image_and_what_it_has() {
    let digests = [digest("manifest"), digest("index")];
    let package = |name: &str, version: &str| (name.to_owned(), version.to_owned(), "amd64".to_owned());
    let packages = BTreeSet::from([package("libssl3t64", "3.5.1-1"), package("zlib1g", "1:1.3+really1-1")]);
    let sources = BTreeSet::from([("openssl".to_owned(), "3.5.1-1".to_owned())]);
    let image =
        Judged { digests: &digests, repository: "acme/nginx", packages: &packages, sources: &sources };
    let own = format!("pkg:oci/nginx@{}", digest("index"));
    let other = format!("pkg:oci/nginx@{}", digest("other"));
    let with = |part: &str| json!([{"@id": own, "subcomponents": [{"@id": part}]}]);
    let no_package =
        |part: &str| format!("statements[0].products[0].subcomponents[0]: the image does not have `{part}`");
    for (products, expected) in [
        (json!([]), String::new()),
        (json!([{"@id": own}]), String::new()),
        (json!([{"@id": "pkg:docker/acme/nginx@1.29"}]), String::new()),
        (json!([{"@id": "x", "hashes": {"sha-256": digest("manifest").hex()}}]), String::new()),
        (json!([{"@id": other}]), format!("statements[0].products[0]: `{other}` is not this image")),
        (
            json!([{"@id": own, "hashes": {"sha-256": digest("other").hex()}}]),
            format!("statements[0].products[0]: `{own}` is not this image"),
        ),
        (
            json!([{"@id": "pkg:oci/python"}]),
            "statements[0].products[0]: `pkg:oci/python` is not this image".to_owned(),
        ),
        (json!([{"@id": "pkg:deb/debian/zlib1g@1%3A1.3%2Breally1-1?arch=amd64"}]), String::new()),
        (
            json!([{"@id": "pkg:deb/debian/absent"}]),
            "statements[0].products[0]: the image does not have `pkg:deb/debian/absent`".to_owned(),
        ),
        (with("pkg:deb/debian/libssl3t64"), String::new()),
        (with("pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13"), String::new()),
        (with("pkg:deb/debian/openssl@3.5.1-1?arch=source"), String::new()),
        (
            with("pkg:deb/debian/openssl@3.5.1-1?arch=amd64"),
            no_package("pkg:deb/debian/openssl@3.5.1-1?arch=amd64"),
        ),
        (with("pkg:deb/debian/libssl3t64@3.5.2-1"), no_package("pkg:deb/debian/libssl3t64@3.5.2-1")),
        (with("pkg:deb/debian/libssl3t64?arch=arm64"), no_package("pkg:deb/debian/libssl3t64?arch=arm64")),
        (with("cpe:2.3:a:openssl"), no_package("cpe:2.3:a:openssl")),
    ] {
        let said = statement(&json!({"status": "fixed", "products": products}));
        let found: Vec<String> =
            document(&said).judge(&image).iter().map(|(at, fault)| format!("{at}: {fault}")).collect();
        assert_eq!(found.join("; "), expected, "{products}");
    }
    let unfounded = document(&statement(&json!({}))).judge(&image);
    let [(at, fault)] = unfounded.as_slice() else { panic!("{unfounded:?}") };
    assert_eq!(at, "statements[0].justification");
    assert!(fault.to_string().contains("needs a `justification`"), "{fault}");
    assert!(document(&statement(&json!({"status": "affected"}))).judge(&image).is_empty());
}
