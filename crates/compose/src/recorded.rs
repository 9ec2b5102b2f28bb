//! Choices as a record of a build has them: what was decided once is kept, and taken when the build is repeated.
//!
//! Asking again would need the archive's indexes of that day. The record has their answer instead.

use std::collections::BTreeMap;

use temper_attest::provenance::{self, PlatformSettings};
use temper_oci::{Digest, Platform};

use crate::archive::{Archive, PackageFile, PackageSource, Snapshot};
use crate::choice::{Choice, ChosenPackage, RemovedPackage, WaivedRelation};
use crate::composer::AutomaticIds;
use crate::composition::Composition;
use crate::error::External;
use crate::event::Log;
use crate::layer_store::LayerStore;

/// The packages of one platform as they were chosen once.
#[derive(Clone, Debug)]
pub struct RecordedChoice {
    /// Where the package files are; no other package is offered.
    pub(crate) snapshot: Snapshot,
    pub(crate) choice: Choice,
}

impl RecordedChoice {
    /// Reads what a record says of a platform.
    pub fn read(platform: &Platform, settings: &PlatformSettings) -> Self {
        let PlatformSettings { sources, install, remove, waived, .. } = settings;
        let snapshot = Snapshot {
            key: Digest::of("recorded"),
            architecture: platform.debian_architecture().unwrap_or_default().to_owned(),
            sources: sources.iter().map(PackageSource::from).collect(),
            releases: Vec::new(),
        };
        let remove = remove.iter().map(|package| RemovedPackage {
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
        });
        let waived = waived.iter().map(|waived| WaivedRelation {
            package: waived.package.clone(),
            relation: waived.relation.clone(),
            forbidden: waived.forbidden.clone(),
        });
        let choice = Choice {
            install: install.iter().map(read_package).collect(),
            remove: remove.collect(),
            waived: waived.collect(),
            idle: Vec::new(),
        };
        Self { snapshot, choice }
    }

    /// Puts the package files into the store, from where they were taken the first time; each is compared with its
    /// digest, and those that are there already are skipped.
    pub fn fetch(&self, archive: &dyn Archive, log: &dyn Log) -> Result<(), External> {
        let files: Vec<PackageFile> =
            self.choice.install.iter().map(|package| package.file.clone()).collect();
        if files.is_empty() { Ok(()) } else { archive.fetch(&self.snapshot, &files, log) }
    }
}

/// Returns the numbers that users and groups of packages had.
pub fn recorded_ids(settings: &PlatformSettings) -> AutomaticIds {
    AutomaticIds { users: settings.users.clone(), groups: settings.groups.clone() }
}

/// Returns what was decided for each platform, as [`RecordedChoice::read`] and [`recorded_ids`] read it.
pub(crate) fn settings(compositions: &[Composition]) -> BTreeMap<Platform, PlatformSettings> {
    compositions.iter().map(|composition| (composition.platform.clone(), platform(composition))).collect()
}

fn platform(composition: &Composition) -> PlatformSettings {
    let layers = composition.layers.iter();
    let AutomaticIds { users, groups } = composition.automatic_ids.clone();
    let sources = composition.snapshot.iter().flat_map(|snapshot| &snapshot.sources);
    let Choice { install, remove, waived, .. } = &composition.choice;
    let remove = remove.iter().map(|package| provenance::RemovedPackage {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
    });
    let waived = waived.iter().map(|waived| provenance::WaivedRelation {
        package: waived.package.clone(),
        relation: waived.relation.clone(),
        forbidden: waived.forbidden.clone(),
    });
    PlatformSettings {
        layer_keys: layers.map(|layer| LayerStore::key(&layer.segments, composition.compression)).collect(),
        users,
        groups,
        sources: sources.map(write_source).collect(),
        install: install.iter().map(write_package).collect(),
        remove: remove.collect(),
        waived: waived.collect(),
    }
}

impl From<&provenance::PackageSource> for PackageSource {
    fn from(source: &provenance::PackageSource) -> Self {
        Self {
            uri: source.uri.clone(),
            suite: source.suite.clone(),
            components: source.components.clone(),
            keyring: source.keyring.clone(),
        }
    }
}

fn write_source(source: &PackageSource) -> provenance::PackageSource {
    provenance::PackageSource {
        uri: source.uri.clone(),
        suite: source.suite.clone(),
        components: source.components.clone(),
        keyring: source.keyring.clone(),
    }
}

fn read_package(package: &provenance::ChosenPackage) -> ChosenPackage {
    ChosenPackage {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        from_version: package.replaces.clone(),
        reason: "recorded".to_owned(),
        is_requested: package.requested,
        file: PackageFile {
            name: package.name.clone(),
            source: package.source,
            path: package.path.clone(),
            size_bytes: package.size_bytes,
            digest: package.digest,
        },
        installed_size_kib: 0,
    }
}

fn write_package(package: &ChosenPackage) -> provenance::ChosenPackage {
    provenance::ChosenPackage {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        replaces: package.from_version.clone(),
        requested: package.is_requested,
        source: package.file.source,
        path: package.file.path.clone(),
        size_bytes: package.file.size_bytes,
        digest: package.file.digest,
    }
}
