//! What a builder that holds the key could say and must not be believed, and other images under the tag.

use serde_json::{Value, json};
use temper_attest::predicate;

use super::change::edit;
use crate::published::{Published, TAG};
use crate::repository::MemoryRepository;

/// A digest that nothing has.
pub(super) const HEX: &str = "0000000000000000000000000000000000000000000000000000000000000000";
pub(super) const PROVENANCE: &str = predicate::SLSA_PROVENANCE;

pub(super) fn base(published: &Published, repository: &MemoryRepository) {
    let base = published.workshop.base.as_ref().expect("there is one");
    base.put(repository, TAG);
}

/// The same key signed this one, for another tag.
pub(super) fn other_image(published: &Published, repository: &MemoryRepository) {
    let other = published.publish_changed(|statement| {
        if statement.predicate_type == PROVENANCE {
            let tags = "/buildDefinition/externalParameters/target/tags";
            edit(&mut statement.predicate, tags, Some(&json!(["2_test"])));
        }
    });
    repository.replace(&other);
}

/// The first group of paths of an origin in a composition record.
fn group<'a>(record: &'a mut Value, origin: &str) -> &'a mut Value {
    let groups = record["origins"].as_array_mut().expect("is a list");
    groups.iter_mut().find(|group| group["origin"] == origin).unwrap_or_else(|| panic!("{origin} is there"))
}

pub(super) fn other_package(record: &mut Value) {
    group(record, "package")["package"] = "evil 1".into();
}

pub(super) fn other_artifact(record: &mut Value) {
    group(record, "artifact")["digest"] = format!("sha256:{HEX}").into();
}

/// The document's file is said to be the base's.
pub(super) fn own_as_base(record: &mut Value) {
    let digest = group(record, "document")["files"].as_object_mut().expect("has files").remove("/srv/own");
    group(record, "base")["files"]["/srv/own"] = digest.expect("is there");
}

pub(super) fn listed_twice(record: &mut Value) {
    group(record, "document")["files"]["/usr/bin/app"] = HEX.into();
}

/// Another digest of the first added file.
pub(super) fn other_file(document: &mut Value) {
    let is_spdx = document["packages"].is_array();
    let list = document[if is_spdx { "packages" } else { "components" }].as_array_mut().expect("is a list");
    let file = list.iter_mut().find(|one| one["name"] == "/srv/own").expect("is listed");
    if is_spdx {
        file["checksums"][0]["checksumValue"] = HEX.into();
    } else {
        file["hashes"][0]["content"] = HEX.into();
    }
}

/// The artifact's manifests in the place of the base's.
pub(super) fn other_base(provenance: &mut Value) {
    let dependencies =
        provenance["buildDefinition"]["resolvedDependencies"].as_array_mut().expect("is a list");
    let platform = |one: &Value, role: &str| {
        (one["annotations"]["role"] == role).then(|| one["annotations"]["platform"].clone())
    };
    let artifacts: Vec<(Value, Value)> = dependencies
        .iter()
        .filter_map(|one| Some((platform(one, "artifact")?, one["digest"].clone())))
        .collect();
    for one in dependencies {
        let Some(platform) = platform(one, "base").filter(|platform| !platform.is_null()) else { continue };
        let found = artifacts.iter().find(|(own, _)| *own == platform).expect("has the platform");
        one["digest"] = found.1.clone();
    }
}

/// A statement with some fields in the place of all that a document says.
fn say(document: &mut Value, fields: Value) {
    document["statements"] = json!([{"vulnerability": {"name": "CVE-2026-1"}, "status": "fixed"}]);
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    document["statements"][0].as_object_mut().expect("is an object").extend(fields);
}

pub(super) fn of_another_image(document: &mut Value) {
    say(document, json!({"products": [{"@id": "pkg:oci/other"}]}));
}

pub(super) fn of_an_absent_package(document: &mut Value) {
    let part = json!({"@id": "pkg:deb/debian/evil@1"});
    say(document, json!({"products": [{"@id": "pkg:oci/app", "subcomponents": [part]}]}));
}

pub(super) fn without_a_reason(document: &mut Value) {
    say(document, json!({"status": "not_affected"}));
}

pub(super) fn no_document(document: &mut Value) {
    document["statements"] = "none".into();
}
