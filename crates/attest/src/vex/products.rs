//! The products of statements: which of them is the base, which packages they mean, and how the image is named.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::Digest;

use crate::inventory::{Inventory, Package};
use crate::purl::Purl;
use crate::vex::{Base, Component, DropReason, Product};

/// What a product stands for.
pub(super) enum Fate {
    /// The base.
    Base,
    /// A package by itself.
    Package,
    /// The base for another platform.
    OtherPlatform,
    /// Something else.
    Other,
}

/// Reads the first package URL among the names of a component.
pub(super) fn purl(component: &Component) -> Option<Purl> {
    component.identifiers.get("purl").into_iter().chain(&component.id).find_map(|text| text.parse().ok())
}

/// How messages call a component.
pub(super) fn shown(component: &Component) -> String {
    let digest = || component.hashes.iter().next().map(|(algorithm, hex)| format!("{algorithm}:{hex}"));
    let purl = || component.identifiers.values().next().cloned();
    component.id.clone().or_else(purl).or_else(digest).unwrap_or_default()
}

/// Says whether a component is the image of a repository: a package URL of that repository, as far as it names one,
/// and no digest but the image's own.
pub(super) fn is_image(component: &Component, repository: &str, digests: &[Digest]) -> bool {
    let Some(purl) = purl(component).filter(|purl| matches!(purl.kind.as_str(), "oci" | "docker")) else {
        return false;
    };
    let repository = repository.to_ascii_lowercase();
    let is_end = |named: &str| {
        let rest = repository.strip_suffix(&named.to_ascii_lowercase());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    let name = match purl.namespace.as_str() {
        "" => purl.name.clone(),
        namespace => format!("{namespace}/{}", purl.name),
    };
    let url = purl.qualifiers.get("repository_url");
    let is_named = is_end(&name) && url.is_none_or(|url| url.eq_ignore_ascii_case(&repository));
    let of_version = purl.version.as_deref().and_then(|version| version.parse::<Digest>().ok());
    let is_own = |hex: &String| digests.iter().any(|digest| digest.hex() == *hex);
    is_named
        && of_version.is_none_or(|digest| digests.contains(&digest))
        && component.hashes.get("sha-256").map_or(component.hashes.is_empty(), is_own)
}

/// Says what a product is. An image that is named with a digest is the base only with one of its digests; one named
/// with a tag or with nothing is the base if their names agree.
pub(super) fn fate(component: &Component, base: &Base) -> Fate {
    let of_component = |digest: &Digest| component.hashes.get("sha-256") == Some(&digest.hex());
    if base.digests.iter().any(of_component) {
        return Fate::Base;
    }
    if base.others.iter().any(of_component) {
        return Fate::OtherPlatform;
    }
    let Some(purl) = purl(component) else { return Fate::Other };
    match purl.kind.as_str() {
        "deb" => return Fate::Package,
        "oci" | "docker" => {}
        _ => return Fate::Other,
    }
    let digest = purl.version.as_deref().and_then(|version| version.parse::<Digest>().ok());
    let is_named = || {
        let last = |repository: &String| repository.rsplit('/').next() == Some(purl.name.as_str());
        base.repositories.iter().any(last)
    };
    let is_base = match digest {
        Some(digest) if base.others.contains(&digest) => return Fate::OtherPlatform,
        Some(digest) => base.digests.contains(&digest),
        None => component.hashes.is_empty() && is_named(),
    };
    if is_base { Fate::Base } else { Fate::Other }
}

/// Says whether an image has anything that its base has not, or the reverse, or runs in another way.
pub(super) fn differs(base: &Base, inventory: &Inventory) -> bool {
    let set = |packages: &[Package]| -> BTreeSet<(String, String, String)> {
        packages
            .iter()
            .map(|package| (package.name.clone(), package.architecture.clone(), package.version.clone()))
            .collect()
    };
    !base.runs_alike
        || !inventory.artifacts.is_empty()
        || !inventory.files.is_empty()
        || set(&base.packages) != set(&inventory.packages)
}

/// Adds the packages that a part of the base means, where the image has them unchanged.
pub(super) fn keep<'a>(
    part: &Component,
    base: &Base,
    inventory: &'a Inventory,
    kept: &mut Vec<&'a Package>,
    reasons: &mut Vec<DropReason>,
) {
    let meant = purl(part).map_or_else(Vec::new, |purl| meant(&purl, base));
    if meant.is_empty() {
        reasons.push(DropReason::Unknown { component: shown(part) });
    }
    for before in meant {
        let same = |after: &&Package| after.name == before.name && after.architecture == before.architecture;
        let name = before.name.clone();
        match inventory.packages.iter().find(same) {
            None => reasons.push(DropReason::Removed { name }),
            Some(after) if after.version == before.version => kept.push(after),
            Some(after) => reasons.push(DropReason::Replaced {
                name,
                before: before.version.clone(),
                after: after.version.clone(),
            }),
        }
    }
}

/// The packages of the base that a package URL names: by their own name, else by their source's.
fn meant<'a>(purl: &Purl, base: &'a Base) -> Vec<&'a Package> {
    if purl.kind != "deb" {
        return Vec::new();
    }
    let agrees = |wanted: Option<&String>, found: &str| wanted.is_none_or(|wanted| wanted == found);
    let of = |package: &&Package| {
        let architecture = purl.qualifiers.get("arch").filter(|arch| *arch != "source");
        agrees(architecture, &package.architecture)
    };
    let own =
        |package: &&Package| package.name == purl.name && agrees(purl.version.as_ref(), &package.version);
    let by_name: Vec<&Package> = base.packages.iter().filter(of).filter(own).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    let source = |package: &&Package| {
        let source = package.source();
        source.name == purl.name && agrees(purl.version.as_ref(), &source.version)
    };
    base.packages.iter().filter(of).filter(source).collect()
}

/// The image as the product, with the packages that are meant; nothing where nothing was kept.
pub(super) fn image(inventory: &Inventory, mut packages: Vec<&Package>, is_whole: bool) -> Vec<Product> {
    if packages.is_empty() && !is_whole {
        return Vec::new();
    }
    packages.sort_by_key(|package| (&package.name, &package.architecture));
    packages.dedup_by_key(|package| (&package.name, &package.architecture));
    let hashes = BTreeMap::from([("sha-256".to_owned(), inventory.image.digest.hex())]);
    let component = Component { hashes, ..named(&inventory.image.purl()) };
    let parts = packages.iter().map(|package| named(&inventory.package_purl(package)));
    // A statement about the whole says more than one about its parts.
    let subcomponents = if is_whole { Vec::new() } else { parts.collect() };
    vec![Product { component, subcomponents }]
}

/// The same text as the SBOMs have, so that scanners find the one in the other.
fn named(purl: &Purl) -> Component {
    let text = purl.to_string();
    Component {
        id: Some(text.clone()),
        identifiers: BTreeMap::from([("purl".to_owned(), text)]),
        hashes: BTreeMap::new(),
    }
}
