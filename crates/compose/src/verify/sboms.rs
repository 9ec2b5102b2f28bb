//! The SBOMs of a platform against its package database and its files.

use std::collections::BTreeSet;

use serde_json::Value;
use temper_attest::{Purl, predicate};
use temper_oci::EntryKind;
use temper_rootfs::installed::read_database;
use temper_rootfs::tree::Tree;

use crate::image::PlatformImage;
use crate::verify::report::{Report, counted};
use crate::verify::{Target, Verified, attached};

/// Name, version and architecture.
type Package = (String, String, String);

/// How the two formats call what both say.
struct Form {
    predicate_type: &'static str,
    /// The list of packages, and the field of each that has its version.
    list: &'static str,
    version: &'static str,
}

const FORMS: [Form; 2] = [
    Form { predicate_type: predicate::SPDX, list: "packages", version: "versionInfo" },
    Form { predicate_type: predicate::CYCLONEDX, list: "components", version: "version" },
];

/// Checks every SBOM of a platform.
pub(super) fn check(verified: &Verified<'_>, image: &PlatformImage, target: &Target, report: &mut Report) {
    let Some(tree) = verified.tree(image, usize::MAX) else { return };
    let Ok(database) = read_database(&tree) else { return };
    let installed: BTreeSet<Package> = database
        .installed()
        .map(|record| {
            (record.name().to_owned(), record.version().to_owned(), record.architecture().to_owned())
        })
        .collect();
    for form in &FORMS {
        for statement in verified.statements(target, form.predicate_type) {
            let at = format!("{}, {}", target.at, attached::name(form.predicate_type));
            let failed = report.failed.len();
            let list = statement.predicate[form.list].as_array().map(Vec::as_slice).unwrap_or_default();
            let listed = packages(form, list, &at, report);
            for (name, version, _) in installed.difference(&listed) {
                report.fail(
                    format!("{at}: {}", form.list),
                    format!("`{name} {version}` of the image is missing"),
                );
            }
            for (name, version, _) in listed.difference(&installed) {
                report.fail(
                    format!("{at}: {}", form.list),
                    format!("the image does not have `{name} {version}`"),
                );
            }
            files(form, list, &tree, &at, report);
            if report.failed.len() == failed {
                let packages = counted(installed.len(), "package", "packages");
                report.prove(format!(
                    "{at}: lists exactly the {packages} of the database, and files as they are"
                ));
            }
        }
    }
}

/// Reads the packages of the distribution, and sees that each entry says the same thing twice.
fn packages(form: &Form, list: &[Value], at: &str, report: &mut Report) -> BTreeSet<Package> {
    let mut packages = BTreeSet::new();
    for (position, entry) in list.iter().enumerate() {
        let Some(purl) = purl(entry).filter(|purl| purl.kind == "deb") else { continue };
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let version = purl.version.clone().unwrap_or_default();
        for (field, expected) in [("name", &purl.name), (form.version, &version)] {
            if text(field) != expected {
                let message = format!("it is `{}`, the package URL says `{expected}`", text(field));
                report.fail(format!("{at}: {}[{position}].{field}", form.list), message);
            }
        }
        let architecture = purl.qualifiers.get("arch").cloned().unwrap_or_default();
        packages.insert((purl.name, version, architecture));
    }
    packages
}

fn purl(entry: &Value) -> Option<Purl> {
    let references = entry["externalRefs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_spdx = references.iter().find(|reference| reference["referenceType"] == "purl");
    let text = entry["purl"].as_str().or_else(|| of_spdx?["referenceLocator"].as_str())?;
    text.parse().ok()
}

/// Files that stand in the list by their paths must have the digests that it says.
fn files(form: &Form, list: &[Value], tree: &Tree, at: &str, report: &mut Report) {
    for (position, entry) in list.iter().enumerate() {
        let is_file = entry["primaryPackagePurpose"] == "FILE" || entry["type"] == "file";
        let Some(path) = entry["name"].as_str().filter(|_| is_file) else { continue };
        let hashes =
            [&entry["checksums"], &entry["hashes"]].into_iter().filter_map(Value::as_array).flatten();
        let digests: Vec<&str> = hashes
            .filter_map(|hash| hash["checksumValue"].as_str().or_else(|| hash["content"].as_str()))
            .collect();
        let node = tree.get(path.trim_start_matches('/'));
        let found = node.and_then(|node| match node.entry.kind {
            EntryKind::File { digest, .. } => Some(digest.hex()),
            _ => None,
        });
        if !found.as_ref().is_some_and(|found| digests.contains(&found.as_str())) {
            let found =
                found.map_or("the image has no such file".to_owned(), |hex| format!("the image has `{hex}`"));
            report.fail(
                format!("{at}: {}[{position}]", form.list),
                format!("`{path}` has another digest: {found}"),
            );
        }
    }
}
