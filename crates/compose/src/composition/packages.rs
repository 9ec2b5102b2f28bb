//! The packages of one platform: chosen, fetched where they are not known yet, and indexed.

use std::sync::Arc;

use temper_rootfs::effects::EffectPackage;
use temper_rootfs::installed::{Installed, PackageName};
use temper_rootfs::merge::{MergedPackages, PackageSource};
use temper_rootfs::package_index::PackageIndex;
use temper_rootfs::tree::Tree;

use crate::archive::Snapshot;
use crate::choice::{Choice, Chooser, RemovedPackage};
use crate::composer::Composer;
use crate::composition::PlatformInput;
use crate::distribution;
use crate::error::ComposeError;
use crate::event::{Event, Step};
use crate::finding::{Finding, Findings};
use crate::packages::Archives;

/// The packages of one platform with their indexes.
pub(crate) struct Packages {
    pub(crate) installed: Installed,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) choice: Choice,
    /// In the order of [`Choice::install`].
    pub(crate) indexes: Vec<Arc<PackageIndex>>,
}

impl Packages {
    pub(super) fn choose(
        composer: &Composer<'_>,
        archives: &Archives<'_>,
        input: &PlatformInput<'_>,
        base: &Tree,
        findings: &mut Findings,
    ) -> Result<Self, ComposeError> {
        let recipe = input.request.recipe;
        let installed = match Installed::read(base) {
            Ok(installed) => installed,
            Err(error) => {
                findings
                    .problem(Finding::at("", format!("the base's package database cannot be read: {error}")));
                Installed::default()
            }
        };
        let mut packages = Self { installed, snapshot: None, choice: Choice::default(), indexes: Vec::new() };
        if recipe.packages.is_empty() && recipe.forbidden.is_empty() {
            return Ok(packages);
        }
        if let Some(recorded) = input.request.choices.get(input.platform) {
            packages.indexes = indexes(composer, archives, &recorded.snapshot, &recorded.choice)?;
            packages.snapshot = Some(recorded.snapshot.clone());
            packages.choice = recorded.choice.clone();
            return Ok(packages);
        }
        let sources = match &recipe.sources {
            Some(sources) => Ok(sources.clone()),
            None => distribution::sources(base),
        };
        let Some(architecture) = input.platform.debian_architecture() else {
            let message = format!("Debian has no packages for platform `{}`", input.platform);
            findings.problem(Finding::at("platforms", message));
            return Ok(packages);
        };
        let sources = match sources {
            Ok(sources) => sources,
            Err(problem) => {
                findings.problem(problem);
                return Ok(packages);
            }
        };
        composer.log.event(Event::new(Step::Resolve, "choose packages").on(input.platform));
        let chooser = Chooser {
            archive: composer.archive,
            cache: composer.cache,
            sources: &sources,
            architecture,
            others: &other_architectures(input),
        };
        let (snapshot, choice) = chooser.choose(recipe, &packages.installed.database, findings)?;
        packages.indexes = indexes(composer, archives, &snapshot, &choice)?;
        packages.snapshot = Some(snapshot);
        packages.choice = choice;
        Ok(packages)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = PackageSource<'_>> {
        let files = self.choice.install.iter().map(|package| package.file.digest);
        files.zip(&self.indexes).map(|(archive, index)| PackageSource { archive, index })
    }

    /// Lists the packages of the base that go away.
    pub(super) fn removals(&self) -> Vec<PackageName> {
        let removed = self.choice.remove.iter();
        let name = |package: &RemovedPackage| PackageName {
            name: package.name.clone(),
            architecture: package.architecture.clone(),
        };
        removed.map(name).collect()
    }

    /// Returns the version that a package has in the result.
    pub(crate) fn version(&self, name: &str, architecture: &str) -> Option<String> {
        let chosen = self.choice.install.iter().find(|package| package.name == name);
        let is_removed = self.removals().iter().any(|removal| removal.is_place_of(name, architecture));
        let installed = self.installed.find(name, architecture).filter(|_| !is_removed);
        chosen
            .map(|package| package.version.clone())
            .or_else(|| installed.map(|package| package.version.clone()))
    }

    /// Returns the packages as effects see them, in configure order.
    pub(super) fn for_effects(&self, merged: &MergedPackages) -> Vec<EffectPackage> {
        let chosen = self.choice.install.iter().zip(&self.indexes);
        let packages = chosen.map(|(chosen, index)| EffectPackage {
            name: chosen.name.clone(),
            architecture: chosen.architecture.clone(),
            version: chosen.version.clone(),
            previous_version: chosen.from_version.clone(),
            scripts: index.scripts(),
            paths: merged.owned.get(&chosen.name).into_iter().flatten().cloned().collect(),
        });
        packages.collect()
    }
}

/// Lists Debian's names of the other architectures that the base, or the document of an image from nothing, has.
fn other_architectures(input: &PlatformInput<'_>) -> Vec<&'static str> {
    let platforms = match input.base {
        Some(base) => base.platforms(),
        None => input.request.recipe.platforms.clone().unwrap_or_default(),
    };
    let others = platforms.iter().filter(|platform| *platform != input.platform);
    others.filter_map(temper_oci::Platform::debian_architecture).collect()
}

/// Fetches the package files that are not indexed yet, and returns the indexes of all.
fn indexes(
    composer: &Composer<'_>,
    archives: &Archives<'_>,
    snapshot: &Snapshot,
    choice: &Choice,
) -> Result<Vec<Arc<PackageIndex>>, ComposeError> {
    let files: Vec<_> = choice.install.iter().map(|package| package.file.clone()).collect();
    let unknown: Vec<_> = files.iter().filter(|file| !archives.has_index(&file.digest)).cloned().collect();
    composer.archive.fetch(snapshot, &unknown, composer.log)?;
    archives.index_all(&files)
}
