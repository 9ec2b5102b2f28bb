//! The record of a build as a predicate, and back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use temper_attest::provenance::{
    BuildRecord, Builder, ChosenPackage, Input, PackageSource, PlatformSettings, RemovedPackage, Request,
    Role, Settings, Target, WaivedRelation,
};
use temper_attest::{Limits, Statement, Subject};
use temper_oci::Platform;

use crate::fixtures::digest;

const BUILD_TYPE: &str = "https://temper.example/build-types/customization/v1";

fn input(role: Role, name: &str, uri: &str, platform: Option<&str>) -> Input {
    Input {
        role,
        name: name.to_owned(),
        uri: uri.to_owned(),
        digest: digest(name),
        platform: platform.map(Platform::linux),
        location: (role == Role::Package).then(|| format!("pool/{name}.deb")),
    }
}

fn record() -> BuildRecord {
    BuildRecord {
        build_type: BUILD_TYPE.to_owned(),
        builder: Builder {
            id: "https://temper.example/builders/server/v1".to_owned(),
            versions: BTreeMap::from([("temper".to_owned(), "0.1.0".to_owned())]),
        },
        request: Request {
            document: "name: acme # ä\n".to_owned(),
            target: Target {
                destination: "registry.example.com/acme/nginx".to_owned(),
                tag_definition_id: Some("nginx/debian-13/1.29".to_owned()),
                tags: vec!["1.29_acme".to_owned()],
            },
        },
        settings: Settings {
            temper_version: "0.1.0".to_owned(),
            writer_version: "1".to_owned(),
            rules_version: "2".to_owned(),
            build_key: digest("build key"),
            base_name: Some("registry.example.com/acme/nginx:1.29".to_owned()),
            artifacts: vec![digest("artifact")],
            platforms: BTreeMap::from([(Platform::linux("amd64"), platform_settings())]),
        },
        inputs: vec![
            input(Role::Base, "nginx", "pkg:oci/nginx@sha256:ab", None),
            input(Role::Archive, "trixie", "https://archive.example/dists/trixie/InRelease", None),
            input(Role::Package, "curl", "pkg:deb/debian/curl@8.14.1-2%2Bdeb13u2?arch=amd64", Some("amd64")),
            input(Role::Artifact, "ca", "pkg:oci/ca@sha256:cd", Some("amd64")),
        ],
        invocation: "https://temper.example/builds/7".to_owned(),
        started_on: "2026-01-01T00:00:00Z".to_owned(),
        finished_on: "2026-01-01T00:00:42Z".to_owned(),
    }
}

fn platform_settings() -> PlatformSettings {
    PlatformSettings {
        layer_keys: vec![digest("layer key")],
        users: BTreeMap::from([("redis".to_owned(), 100)]),
        groups: BTreeMap::from([("redis".to_owned(), 101)]),
        sources: vec![PackageSource {
            uri: "distribution:debian".to_owned(),
            suite: "trixie".to_owned(),
            components: vec!["main".to_owned()],
            keyring: "debian-archive".to_owned(),
        }],
        install: vec![ChosenPackage {
            name: "curl".to_owned(),
            version: "8.14.1-2+deb13u2".to_owned(),
            architecture: "amd64".to_owned(),
            replaces: Some("8.14.1-2".to_owned()),
            requested: true,
            source: 0,
            path: "pool/main/c/curl/curl_8.14.1-2+deb13u2_amd64.deb".to_owned(),
            size_bytes: 269_712,
            digest: digest("curl"),
        }],
        remove: vec![RemovedPackage {
            name: "perl".to_owned(),
            version: "5.40.1-6".to_owned(),
            architecture: "amd64".to_owned(),
        }],
        waived: vec![WaivedRelation {
            package: "debconf".to_owned(),
            relation: "perl-base".to_owned(),
            forbidden: vec!["perl-base".to_owned()],
        }],
    }
}

fn statement() -> Statement {
    let repository = "registry.example.com/acme/nginx";
    record().statement(vec![
        Subject::new(repository, digest("index")),
        Subject::platform(repository, &Platform::linux("amd64"), digest("amd64")),
    ])
}

#[test]
fn the_predicate_is_slsas() {
    let value: Value = serde_json::from_slice(&statement().to_bytes()).unwrap();
    insta::assert_snapshot!("provenance", serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn the_record_is_read_back_and_its_order_does_not_count() {
    let bytes = statement().to_bytes();
    let read = Statement::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(BuildRecord::from_statement(&read, BUILD_TYPE).unwrap(), record());
    let mut shuffled = record();
    shuffled.inputs.reverse();
    assert_eq!(shuffled.to_predicate(), record().to_predicate());
}

#[test]
fn a_build_is_the_same_whoever_ran_it_when() {
    let mut again = record();
    again.invocation.push('8');
    again.finished_on = "2026-02-02T00:00:00Z".to_owned();
    again.started_on.clone_from(&again.finished_on);
    again.inputs.reverse();
    assert!(record().is_same_build(&again));
    for change in [
        (|record: &mut BuildRecord| record.inputs.truncate(1)) as fn(&mut BuildRecord),
        |record| record.settings.temper_version.push('1'),
        |record| record.request.target.tags.clear(),
        |record| record.builder.id.clear(),
    ] {
        let mut other = record();
        change(&mut other);
        assert!(!record().is_same_build(&other));
    }
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let changed = |pointer: &str, value: Value| {
        let mut statement = statement();
        match pointer.rsplit_once('/') {
            Some((parent, field)) if statement.predicate.pointer(pointer).is_none() => {
                statement.predicate.pointer_mut(parent).unwrap()[field] = value;
            }
            _ => *statement.predicate.pointer_mut(pointer).unwrap() = value,
        }
        BuildRecord::from_statement(&statement, BUILD_TYPE).unwrap_err().to_string()
    };
    let definition = "/buildDefinition";
    for (pointer, value, message) in [
        (
            format!("{definition}/buildType"),
            json!("other"),
            format!("provenance has the build type `other`, expected `{BUILD_TYPE}`"),
        ),
        (
            format!("{definition}/externalParameters/network"),
            json!(true),
            "provenance cannot be read".to_owned(),
        ),
        (
            format!("{definition}/externalParameters/target/force"),
            json!(true),
            "provenance cannot be read".to_owned(),
        ),
        (
            format!("{definition}/externalParameters/document"),
            json!("name: other"),
            "document of the provenance does not have the digest that is listed for it".to_owned(),
        ),
        (
            format!("{definition}/resolvedDependencies/1/annotations/role"),
            json!("magic"),
            "dependency `nginx` of the provenance has no known role or no SHA-256 digest".to_owned(),
        ),
        (
            format!("{definition}/resolvedDependencies/3/digest"),
            json!({"sha256": "AB"}),
            "dependency `curl` of the provenance has no known role or no SHA-256 digest".to_owned(),
        ),
        ("/runDetails/metadata/startedOn".to_owned(), json!(1), "provenance cannot be read".to_owned()),
    ] {
        assert_eq!(changed(&pointer, value), message, "{pointer}");
    }
    let other = Statement::new(Vec::new(), temper_attest::predicate::SPDX, json!({}));
    let error = BuildRecord::from_statement(&other, BUILD_TYPE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "statement has the predicate type `https://spdx.dev/Document`, which is no provenance"
    );
}
