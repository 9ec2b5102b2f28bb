//! The packages of an image as its own database has them.

use std::collections::{BTreeMap, BTreeSet};

use temper_attest::Licence;
use temper_attest::inventory::{Package, PackageSource, Supplier};
use temper_deb::control::Stanza;
use temper_deb::groups;
use temper_deb::index::PackageRecord;
use temper_deb::status::{StatusDatabase, StatusForm};
use temper_oci::Digest;

use crate::choice::Choice;

/// Folder of the package database.
const DATABASE: &str = "/var/lib/dpkg";

/// What tells packages of a database apart: name and architecture.
pub(super) type PackageId = (String, String);

/// What is known of packages beside what the database says.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// The packages that were taken from an archive, with the digests of their files.
    pub(super) choice: Option<&'a Choice>,
    /// Their licences.
    pub(super) licences: BTreeMap<PackageId, Licence>,
}

/// Lists the installed packages of a database.
pub(super) fn packages(database: &StatusDatabase, known: &Known<'_>) -> Vec<Package> {
    let providers = Providers::new(database);
    database.installed().map(|record| package(database, &record, known, &providers)).collect()
}

/// Returns what tells a package apart.
pub(super) fn id(record: &PackageRecord<'_>) -> PackageId {
    (record.name().to_owned(), record.architecture().to_owned())
}

fn package(
    database: &StatusDatabase,
    record: &PackageRecord<'_>,
    known: &Known<'_>,
    providers: &Providers<'_>,
) -> Package {
    let (name, version, architecture) = (record.name(), record.version(), record.architecture());
    let stanza = Stanza::parse(record.stanza()).ok();
    let field = |field: &str| stanza.as_ref().and_then(|stanza| stanza.find(field));
    let source = Some(record.source()).filter(|source| *source != (name, version));
    let chosen = known.choice.into_iter().flat_map(|choice| &choice.install);
    let checksums: Vec<Digest> = chosen
        .filter(|chosen| (chosen.name.as_str(), chosen.architecture.as_str()) == (name, architecture))
        .map(|chosen| chosen.file.digest)
        .collect();
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
        source: source
            .map(|(name, version)| PackageSource { name: name.to_owned(), version: version.to_owned() }),
        supplier: field("Maintainer").and_then(Supplier::parse),
        homepage: field("Homepage").filter(|page| page.starts_with("http")).map(str::to_owned),
        licence: known.licences.get(&id(record)).cloned(),
        checksums,
        depends: providers.depends(record),
        files: match database.form_of(name, architecture) {
            Some((StatusForm::Directory, file)) => vec![format!("{DATABASE}/status.d/{file}")],
            _ => vec![format!("{DATABASE}/status")],
        },
    }
}

/// Installed packages by the names that they have or provide.
struct Providers<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Providers<'a> {
    fn new(database: &'a StatusDatabase) -> Self {
        let mut providers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for record in database.installed() {
            for (provided, _) in record.provided().chain([(record.name(), None)]) {
                providers.entry(provided).or_default().insert(record.name());
            }
        }
        Self(providers)
    }

    /// Lists the installed packages that a package depends on: of each group all that can satisfy it.
    fn depends(&self, record: &PackageRecord<'_>) -> Vec<String> {
        let groups = groups(record.pre_depends()).chain(groups(record.depends()));
        let names = groups.flat_map(|group| group.alternatives()).flatten();
        let found: BTreeSet<&str> =
            names.filter_map(|relation| self.0.get(relation.name)).flatten().copied().collect();
        found.into_iter().filter(|name| *name != record.name()).map(str::to_owned).collect()
    }
}
