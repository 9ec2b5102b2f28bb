//! VEX of a base, and what of it an image made from the base inherits.

use proptest::prelude::*;
use serde_json::{Value, json};
use temper_attest::inventory::{Inventory, PackageSource};
use temper_attest::vex::{Base, Inherited, VexStatement, inherit, own};
use temper_attest::{FormatError, Limits, VexDocument};

use crate::fixtures::digest;
use crate::inventory::inventory;

/// The base is the image of the other tests before `curl` was added and OpenSSL replaced.
fn base() -> Base {
    let mut packages = inventory().packages;
    packages.retain(|package| package.name != "curl");
    for package in &mut packages {
        if package.name == "libssl3t64" {
            "3.5.1-1".clone_into(&mut package.version);
            package.source =
                Some(PackageSource { name: "openssl".to_owned(), version: "3.5.1-1".to_owned() });
        }
    }
    let gone = temper_attest::inventory::Package {
        name: "gone".to_owned(),
        version: "1".to_owned(),
        ..packages[0].clone()
    };
    packages.push(gone);
    Base {
        digests: vec![digest("base index"), digest("base amd64")],
        others: vec![digest("base arm64")],
        repositories: vec!["registry.example.com/acme/dhi-nginx".to_owned(), "dhi/nginx".to_owned()],
        packages,
        runs_alike: true,
    }
}

/// The same as the base, under its own name.
fn unchanged() -> Inventory {
    Inventory { packages: base().packages, artifacts: Vec::new(), files: Vec::new(), ..inventory() }
}

fn document(statements: &Value) -> VexDocument {
    let value = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://publisher.example/vex/1",
        "author": "Publisher",
        "timestamp": "2025-12-01T00:00:00Z",
        "version": 3,
        "statements": statements,
    });
    VexDocument::parse(value.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn base_product() -> Value {
    json!({"@id": format!("pkg:oci/nginx@{}", digest("base index"))})
}

fn statement(name: &str, status: &str, product: &Value, parts: &[&str]) -> Value {
    let mut product = product.clone();
    if !parts.is_empty() {
        product["subcomponents"] = parts.iter().map(|part| json!({"@id": part})).collect();
    }
    json!({
        "vulnerability": {"name": name},
        "products": [product],
        "status": status,
        "justification": "vulnerable_code_not_present",
    })
}

fn run(statements: &Value, inventory: &Inventory) -> Inherited {
    inherit(&[document(statements)], &base(), inventory, &[])
}

/// The vulnerabilities that are inherited, and the reasons why others are not.
fn summary(inherited: &Inherited) -> (Vec<String>, Vec<String>) {
    let statements = inherited.document.statements.iter();
    let reasons =
        inherited.dropped.iter().map(|dropped| format!("{}: {}", dropped.vulnerability, dropped.reason));
    (statements.map(|statement| statement.vulnerability.name.clone()).collect(), reasons.collect())
}

#[test]
fn statements_live_as_long_as_their_packages() {
    for (part, kept, reason) in [
        ("pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13&upstream=glibc", true, ""),
        ("pkg:deb/debian/libc6", true, ""),
        ("pkg:deb/debian/libc6@2.41-12?distro=debian-13", true, ""),
        ("pkg:deb/debian/glibc@2.41-12?arch=source", true, ""),
        ("pkg:deb/debian/zlib1g@1%3A1.3.dfsg%2Breally1.3.1-1%2Bb1", true, ""),
        (
            "pkg:deb/debian/libssl3t64@3.5.1-1",
            false,
            "package `libssl3t64` was replaced: `3.5.1-1` by `3.5.4-1~deb13u1`",
        ),
        (
            "pkg:deb/debian/openssl@3.5.1-1",
            false,
            "package `libssl3t64` was replaced: `3.5.1-1` by `3.5.4-1~deb13u1`",
        ),
        ("pkg:deb/debian/gone", false, "package `gone` is not in the image"),
        ("pkg:deb/debian/curl", false, "`pkg:deb/debian/curl` is no package of the base"),
        ("pkg:deb/debian/libc6@2.40-1", false, "`pkg:deb/debian/libc6@2.40-1` is no package of the base"),
        (
            "pkg:deb/debian/libc6?arch=arm64",
            false,
            "`pkg:deb/debian/libc6?arch=arm64` is no package of the base",
        ),
        ("pkg:generic/libc6", false, "`pkg:generic/libc6` is no package of the base"),
        ("CVE text", false, "`CVE text` is no package of the base"),
    ] {
        for status in ["not_affected", "affected", "fixed", "under_investigation"] {
            let inherited = run(&json!([statement("CVE-1", status, &base_product(), &[part])]), &inventory());
            let expected = if kept {
                (vec!["CVE-1".to_owned()], Vec::new())
            } else {
                (Vec::new(), vec![format!("CVE-1: {reason}")])
            };
            assert_eq!(summary(&inherited), expected, "{part} {status}");
        }
    }
}

#[test]
fn only_the_base_is_the_base() {
    let hex = digest("base amd64").hex();
    for (product, is_base) in [
        (base_product(), true),
        (
            json!({"@id": "https://x", "identifiers": {"purl": format!("pkg:oci/x@{}", digest("base amd64"))}}),
            true,
        ),
        (json!({"@id": "https://x", "hashes": {"sha-256": hex}}), true),
        (json!({"@id": "pkg:docker/dhi/nginx@1.29-debian13"}), true),
        (json!({"@id": "pkg:oci/dhi-nginx"}), true),
        (json!({"@id": "pkg:docker/dhi/python@3.13"}), false),
        (json!({"@id": format!("pkg:oci/nginx@{}", digest("other"))}), false),
        (json!({"@id": "pkg:oci/nginx", "hashes": {"sha-256": digest("other").hex()}}), false),
        (json!({"@id": "https://x"}), false),
    ] {
        let inherited =
            run(&json!([statement("CVE-1", "fixed", &product, &["pkg:deb/debian/libc6"])]), &inventory());
        assert_eq!(!inherited.document.statements.is_empty(), is_base, "{product}");
        let reasons = if is_base { vec![] } else { vec!["CVE-1: it is not about the base".to_owned()] };
        assert_eq!(summary(&inherited).1, reasons, "{product}");
    }
    let hashes = json!({"sha-256": digest("base arm64").hex()});
    for of_arm64 in [
        json!({"@id": format!("pkg:oci/nginx@{}", digest("base arm64"))}),
        json!({"@id": "https://x", "hashes": hashes}),
    ] {
        let said = statement("CVE-1", "fixed", &of_arm64, &["pkg:deb/debian/libc6"]);
        assert_eq!(summary(&run(&json!([said]), &inventory())), (Vec::new(), Vec::new()), "{of_arm64}");
    }
    let package = json!({"@id": "pkg:deb/debian/libc6@2.41-12"});
    let inherited = run(&json!([statement("CVE-1", "fixed", &package, &[])]), &inventory());
    assert_eq!(summary(&inherited).0, ["CVE-1"]);
}

#[test]
fn reassurance_about_the_whole_ends_with_the_first_change() {
    for (status, of_changed, of_same) in [
        ("not_affected", false, true),
        ("fixed", false, true),
        ("affected", true, true),
        ("under_investigation", true, true),
    ] {
        for (image, kept) in [(inventory(), of_changed), (unchanged(), of_same)] {
            let inherited = run(&json!([statement("CVE-1", status, &base_product(), &[])]), &image);
            assert_eq!(!inherited.document.statements.is_empty(), kept, "{status}");
            assert_eq!(inherited.dropped.is_empty(), kept, "{status}");
        }
        let restarted = Base { runs_alike: false, ..base() };
        let said = document(&json!([statement("CVE-1", status, &base_product(), &[])]));
        let inherited = inherit(&[said], &restarted, &unchanged(), &[]);
        assert_eq!(!inherited.document.statements.is_empty(), of_changed, "{status}, started in another way");
    }
}

#[test]
fn the_document_names_the_image_and_says_who_said_it_first() {
    let statements = json!([
        statement("CVE-2", "not_affected", &base_product(), &["pkg:deb/debian/libc6", "pkg:deb/debian/gone"]),
        statement("CVE-1", "affected", &base_product(), &[]),
        statement("CVE-2", "not_affected", &base_product(), &["pkg:deb/debian/libc6", "pkg:deb/debian/gone"]),
    ]);
    let own: VexStatement = serde_json::from_value(json!({
        "vulnerability": {"name": "CVE-3", "aliases": ["GHSA-x"]},
        "timestamp": "2026-01-01T00:00:00Z",
        "products": [{"@id": inventory().image.purl().to_string()}],
        "status": "under_investigation",
    }))
    .unwrap();
    let inherited = inherit(&[document(&statements)], &base(), &inventory(), &[own]);
    let (names, reasons) = summary(&inherited);
    assert_eq!(names, ["CVE-1", "CVE-2", "CVE-3"]);
    assert_eq!(reasons, ["CVE-2: package `gone` is not in the image"]);
    let predicate = inherited.document.to_predicate();
    insta::assert_snapshot!("openvex", serde_json::to_string_pretty(&predicate).unwrap());
    let read = VexDocument::from_predicate(&predicate, &Limits::default()).unwrap();
    assert_eq!(read, inherited.document);
}

#[test]
fn nothing_said_is_a_document_without_statements() {
    let inherited = run(&json!([]), &inventory());
    assert_eq!((inherited.document.statements, inherited.dropped), (Vec::new(), Vec::new()));
    assert_eq!(inherited.document.timestamp, inventory().created);
}

#[test]
fn other_words_about_one_image_are_another_document() {
    let said = |times: &[&str]| {
        let statement = |time: &&str| {
            let mut statement = statement("CVE-1", "affected", &base_product(), &[]);
            statement["timestamp"] = json!(time);
            statement
        };
        run(&times.iter().map(statement).collect(), &inventory()).document
    };
    let (early, late, broken) = ("2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z", "yesterday");
    let documents = [said(&[]), said(&[early]), said(&[early, late]), said(&[broken])];
    let times = documents.each_ref().map(|document| document.timestamp.as_str());
    assert_eq!(times, [&inventory().created, early, late, &inventory().created]);
    for (index, one) in documents.iter().enumerate() {
        assert!(documents[index + 1..].iter().all(|other| other.id != one.id));
    }
    assert_eq!(said(&[early, late]), said(&[late, early]));
}

#[test]
fn own_statements_are_about_the_image_and_its_packages() {
    let said = |document: &VexDocument| own(document, &inventory(), digest("index"));
    let image = json!({"@id": "pkg:oci/nginx"});
    for (product, parts, expected, unknown) in [
        (&image, vec![], "whole", 0),
        (&image, vec!["pkg:deb/debian/libc6"], "libc6", 0),
        (&json!({"@id": "pkg:deb/debian/libc6"}), vec![], "libc6", 0),
        (&image, vec!["pkg:deb/debian/libc6", "pkg:deb/debian/absent"], "libc6", 1),
        (&image, vec!["pkg:deb/debian/libc6@0.1"], "", 1),
        (&image, vec!["pkg:deb/debian/libc6?arch=m68k"], "", 1),
        (&image, vec!["cpe:2.3:a:gnu:glibc"], "", 1),
    ] {
        let found = said(&document(&json!([statement("CVE-1", "fixed", product, &parts)])));
        assert_eq!(found.unknown.len(), unknown, "{product} {parts:?}");
        let Some(said) = found.statements.first() else {
            assert_eq!(expected, "", "{product} {parts:?}");
            continue;
        };
        let [named] = said.products.as_slice() else { panic!("{said:?} has one product") };
        assert_eq!(named.component.id, Some(inventory().image.purl().to_string()));
        let parts: Vec<&str> = named.subcomponents.iter().filter_map(|part| part.id.as_deref()).collect();
        match parts.as_slice() {
            [] => assert_eq!(expected, "whole"),
            [part] => assert!(part.starts_with(&format!("pkg:deb/debian/{expected}@")), "{part}"),
            parts => panic!("{parts:?}"),
        }
        assert_eq!(said.timestamp.as_deref(), Some("2025-12-01T00:00:00Z"));
    }
}

#[test]
fn only_the_image_is_the_image() {
    let (own_digest, index) = (inventory().image.digest, digest("index"));
    let url = &inventory().image.repository;
    for (product, is_image) in [
        (json!({"@id": "pkg:oci/nginx"}), true),
        (json!({"@id": format!("pkg:oci/nginx@{own_digest}")}), true),
        (json!({"@id": format!("pkg:oci/nginx@{index}?repository_url={url}")}), true),
        (json!({"@id": "pkg:docker/acme/nginx@1.29"}), true),
        (json!({"@id": "x", "identifiers": {"purl": "pkg:oci/nginx"}}), true),
        (json!({"@id": "pkg:oci/nginx", "hashes": {"sha-256": own_digest.hex()}}), true),
        (json!({"@id": "pkg:oci/nginx", "hashes": {"sha-256": digest("other").hex()}}), false),
        (json!({"@id": format!("pkg:oci/nginx@{}", digest("other"))}), false),
        (json!({"@id": "pkg:oci/nginx?repository_url=other.example/acme/nginx"}), false),
        (json!({"@id": "pkg:docker/other/nginx"}), false),
        (json!({"@id": "pkg:oci/inx"}), false),
        (json!({"@id": "pkg:generic/nginx"}), false),
        (json!({"@id": "pkg:npm/left-pad@1.0.0"}), false),
        (json!({"@id": "https://acme.example/nginx"}), false),
        (json!({"hashes": {"sha-256": own_digest.hex()}}), false),
    ] {
        let found =
            own(&document(&json!([statement("CVE-1", "not_affected", &product, &[])])), &inventory(), index);
        assert_eq!(
            (found.statements.len(), found.unknown.len()),
            if is_image { (1, 0) } else { (0, 1) },
            "{product}"
        );
    }
    let mut about_nothing = statement("CVE-1", "fixed", &base_product(), &[]);
    about_nothing["products"] = json!([]);
    assert_eq!(own(&document(&json!([about_nothing])), &inventory(), index).statements.len(), 1);
}

#[test]
fn other_documents_are_refused() {
    let limits = Limits::default();
    let text = serde_json::to_string(&document(&json!([]))).unwrap();
    let other = text.replace("openvex.dev", "other.example");
    assert!(matches!(VexDocument::parse(other.as_bytes(), &limits), Err(FormatError::Type { .. })));
    let two = serde_json::to_vec(&document(&json!([
        statement("a", "fixed", &base_product(), &[]),
        statement("b", "fixed", &base_product(), &[]),
    ])))
    .unwrap();
    let tight = Limits { vex_statements_max: 1, ..Limits::default() };
    let error = VexDocument::parse(&two, &tight).unwrap_err();
    assert_eq!(error.to_string(), "VEX document has 2 statements, more than 1");
    let short = Limits { vex_bytes_max: 10, ..Limits::default() };
    assert!(matches!(VexDocument::parse(&two, &short), Err(FormatError::Limit { max: 10, .. })));
}

proptest! {
    #[test]
    fn nothing_is_inherited_that_nobody_said(
        parts in prop::collection::vec("pkg:(deb|oci)/(debian/)?(libc6|gone|libssl3t64|x)(@1|@2.41-12)?", 0..4),
        status in "not_affected|affected|fixed|under_investigation",
    ) {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let given = json!([statement("CVE-1", &status, &base_product(), &parts)]);
        let inherited = run(&given, &inventory());
        for said in &inherited.document.statements {
            prop_assert_eq!(serde_json::to_value(said.status).unwrap(), json!(status));
            let named = said.products[0].subcomponents.iter().filter_map(|part| part.id.as_deref());
            for part in named {
                prop_assert!(part.starts_with("pkg:deb/debian/libc6@2.41-12?"), "{}", part);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_document_or_an_error(index in 0usize..600, byte in any::<u8>()) {
        let statements = json!([statement("CVE-1", "fixed", &base_product(), &["pkg:deb/debian/libc6"])]);
        let mut bytes = serde_json::to_vec(&document(&statements)).unwrap();
        let index = index % bytes.len();
        bytes[index] = byte;
        if let Ok(read) = VexDocument::parse(&bytes, &Limits::default()) {
            inherit(&[read], &base(), &inventory(), &[]);
        }
    }
}
