//! The operating system's packages of a document, whichever program wrote it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::image::text;

/// Package URLs by name, version and architecture.
pub(super) type Packages = BTreeMap<(String, String, String), String>;

/// Reads an SPDX document.
pub(super) fn of_spdx(document: &Value) -> Result<Packages> {
    let packages = document["packages"].as_array().context("no list of packages")?;
    let purls = packages.iter().flat_map(|package| package["externalRefs"].as_array().into_iter().flatten());
    let purls = purls.filter(|reference| reference["referenceType"] == "purl");
    collect(purls.map(|reference| text(reference, "referenceLocator")))
}

/// Reads a CycloneDX document.
pub(super) fn of_cyclonedx(document: &Value) -> Result<Packages> {
    let components = document["components"].as_array().context("no list of components")?;
    collect(components.iter().filter(|one| one["purl"].is_string()).map(|one| text(one, "purl")))
}

/// Reads what Syft writes in its own form.
pub(super) fn of_syft(document: &Value) -> Result<Packages> {
    let found = document["artifacts"].as_array().context("no list of artifacts")?;
    let mut packages = Packages::new();
    for package in found.iter().filter(|package| package["type"] == "deb") {
        let purl = text(package, "purl")?.to_owned();
        let (name, version) = (text(package, "name")?.to_owned(), text(package, "version")?.to_owned());
        let architecture = text(&package["metadata"], "architecture")?.to_owned();
        packages.insert((name, version, architecture), purl);
    }
    Ok(packages)
}

/// Reads the packages in which Grype finds something.
pub(super) fn of_grype(document: &Value) -> Result<Packages> {
    let found = document["matches"].as_array().context("no list of matches")?;
    let mut packages = Packages::new();
    for package in found.iter().map(|found| &found["artifact"]) {
        let purl = text(package, "purl")?.to_owned();
        let (name, version) = (text(package, "name")?.to_owned(), text(package, "version")?.to_owned());
        let architecture =
            qualifiers(&purl).get("arch").context("a package URL without architecture")?.clone();
        packages.insert((name, version, architecture), purl);
    }
    Ok(packages)
}

fn collect<'a>(purls: impl Iterator<Item = Result<&'a str>>) -> Result<Packages> {
    let mut packages = Packages::new();
    for purl in purls {
        let purl = purl?;
        let Some(rest) = purl.strip_prefix("pkg:deb/") else { continue };
        let (path, _) = rest.split_once('?').context("a package URL without qualifiers")?;
        let (_, named) = path.split_once('/').context("a package URL without namespace")?;
        let (name, version) = named.split_once('@').context("a package URL without version")?;
        let architecture =
            qualifiers(purl).get("arch").context("a package URL without architecture")?.clone();
        let key = (name.replace("%2B", "+"), version.replace("%2B", "+"), architecture);
        ensure!(packages.insert(key, purl.to_owned()).is_none(), "{purl} stands twice");
    }
    Ok(packages)
}

/// The qualifiers of a package URL.
pub(super) fn qualifiers(purl: &str) -> BTreeMap<String, String> {
    let pairs = purl.split_once('?').map_or("", |(_, query)| query).split('&');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The names of the qualifiers that differ between two lists of the same packages.
///
/// Syft takes the point release from `/etc/debian_version`, `debian-13.8`, where `os-release` has `debian-13`.
pub(super) fn different_qualifiers(ours: &Packages, theirs: &Packages) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (package, purl) in ours {
        let (ours, theirs) =
            (qualifiers(purl), theirs.get(package).map(|purl| qualifiers(purl)).unwrap_or_default());
        let keys = ours.keys().chain(theirs.keys());
        let is_point_release = |key: &String| match (ours.get(key), theirs.get(key)) {
            (Some(ours), Some(theirs)) => key == "distro" && theirs.starts_with(&format!("{ours}.")),
            _ => false,
        };
        names
            .extend(keys.filter(|key| ours.get(*key) != theirs.get(*key) && !is_point_release(key)).cloned());
    }
    names
}
