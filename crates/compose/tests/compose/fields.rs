//! Which tests show the effect of which field: a field that no row names fails here.

use std::collections::BTreeSet;

use serde_json::Value;
use temper_spec::schema;

const ACCOUNTS: &str = include_str!("accounts.rs");
const ARTIFACTS: &str = include_str!("artifacts.rs");
const CERTIFICATES: &str = include_str!("certificates.rs");
const COMMAND: &str = include_str!("command.rs");
const COMPRESSION: &str = include_str!("compression.rs");
const DEFINITIONS: &str = include_str!("definitions.rs");
const DOCUMENT: &str = include_str!("document.rs");
const ENVIRONMENT: &str = include_str!("environment.rs");
const METADATA: &str = include_str!("metadata.rs");
const PACKAGES: &str = include_str!("packages.rs");
const PATHS: &str = include_str!("paths.rs");
const SELECTION: &str = include_str!("selection.rs");
const SETTINGS: &str = include_str!("settings.rs");
const TARGETS: &str = include_str!("targets.rs");

/// The fields of a customization, by the object that they stand in, with the tests that name them.
const CUSTOMIZATION: &[(&str, &str, &str)] = &[
    ("", "name suffix targets", TARGETS),
    ("", "contents", PACKAGES),
    ("", "paths", PATHS),
    ("", "accounts", ACCOUNTS),
    ("", "environment", ENVIRONMENT),
    ("", "labels annotations stop-signal", METADATA),
    ("", "entrypoint cmd", COMMAND),
    ("", "work-dir platforms", SETTINGS),
    ("", "compression", COMPRESSION),
    ("", "certificates", CERTIFICATES),
    ("Target", "destination tag tags", TARGETS),
    ("Contents", "packages", PACKAGES),
    ("Contents", "artifacts", ARTIFACTS),
    ("Artifact", "name includes excludes", SELECTION),
    ("File", "path contents mode uid gid", PATHS),
    ("Accounts", "root runs-as users groups", ACCOUNTS),
    ("User", "name uid gid", ACCOUNTS),
    ("Group", "name gid members", ACCOUNTS),
    ("ArtifactFile", "artifact path", CERTIFICATES),
];

/// Fields that change no image: who asks, spellings of the older form, what the catalog resolves, and charts.
const CUSTOMIZATION_ELSEWHERE: &[(&str, &str)] = &[
    ("", "id"),
    ("", "source destination tag_definition_id tag_suffix"),
    ("", "reference_mappings"),
    ("Target", "source tag_definition_id"),
    ("ReferenceMapping", "from to"),
];

/// The same for definitions.
const DEFINITION: &[(&str, &str, &str)] = &[
    ("", "contents accounts os-release work-dir stop-signal environment paths annotations", DEFINITIONS),
    ("", "labels entrypoint cmd ports compression platforms", DEFINITIONS),
    ("", "name image tags", DOCUMENT),
    ("Contents", "repositories packages", DEFINITIONS),
    ("Accounts", "root run-as users groups", DEFINITIONS),
    ("User", "name uid gid mode", DEFINITIONS),
    ("Group", "name gid members", DEFINITIONS),
    ("PathEntry", "type path content uid gid mode source platforms", DEFINITIONS),
    (
        "OsRelease",
        "name id id-like version-id version-codename pretty-name home-url bug-report-url",
        DEFINITIONS,
    ),
];

/// What keeps a definition from being built here, and what only describes it.
const DEFINITION_ELSEWHERE: &[(&str, &str)] = &[
    ("", "includes output vars track"),
    ("", "entitlement variant flavor suffix dates tests fips-compliant stig-certified"),
    ("Contents", "keyring files builds mappings artifacts"),
    ("PathEntry", "if recursive"),
    ("Dates", "type url release end-of-life end-of-support"),
    ("TestCase", "name directory commands exit-code timeout output"),
];

/// Objects of definitions that are read and never built.
const NEVER_BUILT: &[&str] = &[
    "Artifact",
    "Attestation",
    "Build",
    "BuildContents",
    "Cache",
    "Matrix",
    "Output",
    "RemoteFile",
    "Secret",
    "Spdx",
    "SpdxPackage",
    "Step",
];

/// Lists the fields of a schema as `Object.field`; other spellings are marked as deprecated and left out.
fn fields(schema: &Value, left_out: &[&str]) -> BTreeSet<String> {
    let definitions = schema["$defs"].as_object().expect("the schema has parts");
    let objects = definitions.iter().map(|(name, object)| (name.as_str(), object));
    let objects = objects.filter(|(name, _)| !left_out.contains(name)).chain([("", schema)]);
    let fields = objects.flat_map(|(name, object)| {
        let properties = object["properties"].as_object().expect("an object has fields");
        let own = properties.iter().filter(|(_, field)| field["deprecated"] != Value::Bool(true));
        own.map(move |(field, _)| format!("{name}.{field}"))
    });
    fields.collect()
}

/// Says whether a document of some tests has a key.
fn is_written(tests: &str, key: &str) -> bool {
    let is_key = |before: &str| !before.ends_with(|last: char| last.is_alphanumeric() || "-_".contains(last));
    tests
        .match_indices(&format!("{key}:"))
        .any(|(at, _)| is_key(&tests[..at]) || tests[..at].ends_with("\\n"))
}

fn check(schema: &Value, shown: &[(&str, &str, &str)], elsewhere: &[(&str, &str)], left_out: &[&str]) {
    let mut named = BTreeSet::new();
    for (object, fields, tests) in shown {
        for field in fields.split(' ') {
            assert!(is_written(tests, field), "the tests that a row names write `{object}.{field}`");
            assert!(named.insert(format!("{object}.{field}")), "`{object}.{field}` has one row");
        }
    }
    let others = elsewhere
        .iter()
        .flat_map(|(object, fields)| fields.split(' ').map(move |field| format!("{object}.{field}")));
    named.extend(others);
    assert_eq!(fields(schema, left_out), named);
}

#[test]
fn every_field_has_a_test() {
    check(&schema::customization(), CUSTOMIZATION, CUSTOMIZATION_ELSEWHERE, &[]);
    check(&schema::definition(), DEFINITION, DEFINITION_ELSEWHERE, NEVER_BUILT);
}
