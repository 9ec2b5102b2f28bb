//! The archive and the packages of a base image as one set of records.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use temper_deb::index::{MultiArch, PackageRecord};
use temper_deb::status::StatusDatabase;
use temper_deb::{Relation, compare_versions};

use crate::universe::{RecordId, Universe, fits};

/// The pin priority of an installed version, see [apt_preferences(5)].
///
/// [apt_preferences(5)]: https://manpages.debian.org/apt_preferences.5
const INSTALLED_PRIORITY: i32 = 100;

/// One resolution's view: the archive's records keep their ids, those of the base follow.
pub(crate) struct World<'a> {
    pub(crate) universe: &'a Universe,
    base: Vec<PackageRecord<'a>>,
    installed: BTreeMap<&'a str, RecordId>,
    base_provides: BTreeMap<&'a str, Vec<(RecordId, Option<&'a str>)>>,
    /// The installed packages by the name of their source.
    by_source: BTreeMap<&'a str, Vec<RecordId>>,
}

impl<'a> World<'a> {
    /// Layers the installed packages over the archive. Packages of foreign architectures do not take part.
    pub(crate) fn new(universe: &'a Universe, database: &'a StatusDatabase) -> Self {
        let mut world = Self {
            universe,
            base: Vec::new(),
            installed: BTreeMap::new(),
            base_provides: BTreeMap::new(),
            by_source: BTreeMap::new(),
        };
        for record in database.installed() {
            // The control files of some images have no architecture.
            let native = record.architecture().is_empty() || fits(&record, universe.architecture());
            if !native || world.installed.contains_key(record.name()) {
                continue;
            }
            let id = RecordId(universe.len() + world.base.len() as u32);
            world.base.push(record);
            world.installed.insert(record.name(), id);
            world.by_source.entry(record.source().0).or_default().push(id);
            for (name, version) in record.provided() {
                world.base_provides.entry(name).or_default().push((id, version));
            }
        }
        world
    }

    pub(crate) fn record(&self, id: RecordId) -> PackageRecord<'a> {
        match id.0.checked_sub(self.universe.len()) {
            Some(position) => self.base[position as usize],
            None => self.universe.record(id),
        }
    }

    pub(crate) fn name(&self, id: RecordId) -> &'a str {
        self.record(id).name()
    }

    /// The installed packages by name.
    pub(crate) fn installed(&self) -> &BTreeMap<&'a str, RecordId> {
        &self.installed
    }

    /// The installed packages that are built from a source.
    pub(crate) fn installed_from(&self, source: &str) -> &[RecordId] {
        self.by_source.get(source).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_installed(&self, id: RecordId) -> bool {
        id.0 >= self.universe.len()
    }

    /// The version that would be installed or kept: the highest priority, then the highest version, then the first
    /// source. An installed version stands against the archive's with its own priority and is not lowered.
    pub(crate) fn candidate(&self, name: &'a str) -> Option<RecordId> {
        let installed = self.installed.get(name).copied();
        if let Some(id) = installed.filter(|id| self.is_held(*id)) {
            return Some(id);
        }
        let mut best = installed.map(|id| (INSTALLED_PRIORITY, id));
        for id in self.universe.versions(name) {
            let version = self.record(id).version();
            let source = &self.universe.sources[self.universe.source_of(id)];
            let priority = source.priority();
            let order = installed.map(|id| compare_versions(version, self.record(id).version()));
            let lowers = order == Some(Ordering::Less);
            let better = best.is_none_or(|(best_priority, best)| {
                let order = compare_versions(version, self.record(best).version());
                (priority, order) > (best_priority, Ordering::Equal)
            });
            if !lowers && better {
                // A version that is installed already is not fetched again, but has the archive's priority.
                let id = installed.filter(|_| order == Some(Ordering::Equal)).unwrap_or(id);
                best = Some((priority, id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn is_held(&self, id: RecordId) -> bool {
        self.record(id).status().starts_with("hold ")
    }

    /// The record of a package in a given version, the installed one first.
    pub(crate) fn version(&self, name: &'a str, version: &str) -> Option<RecordId> {
        let installed = self.installed.get(name).copied();
        let mut all = installed.into_iter().chain(self.universe.versions(name));
        all.find(|id| compare_versions(self.record(*id).version(), version).is_eq())
    }

    /// All versions of a package, the highest first.
    pub(crate) fn available_versions(&self, name: &'a str) -> Vec<String> {
        let mut versions: Vec<_> = self.universe.versions(name).map(|id| self.record(id).version()).collect();
        versions.sort_by(|left, right| compare_versions(right, left));
        versions.dedup();
        versions.into_iter().map(str::to_owned).collect()
    }

    /// Every record that provides a name, with the version it provides.
    pub(crate) fn providers(&self, name: &'a str) -> Vec<(RecordId, Option<&'a str>)> {
        let base = self.base_provides.get(name).into_iter().flatten().copied();
        base.chain(self.universe.providers(name)).collect()
    }

    /// Whether the package itself satisfies a relation to its name.
    pub(crate) fn is_accepted(&self, id: RecordId, relation: &Relation<'_>) -> bool {
        let record = self.record(id);
        self.fits_qualifier(record.multi_arch(), relation) && relation.accepts(record.version())
    }

    /// Whether a provided name satisfies a relation: a version is needed exactly when the relation asks for one.
    pub(crate) fn is_provided(&self, version: Option<&str>, relation: &Relation<'_>) -> bool {
        self.fits_qualifier(MultiArch::Allowed, relation)
            && (relation.constraint.is_none() || version.is_some_and(|version| relation.accepts(version)))
    }

    /// Whether a conflict with a package's name means this version of it. One with a package of another architecture
    /// does not; unlike a dependency, `:any` names every package of the name.
    pub(crate) fn is_opposed(&self, id: RecordId, relation: &Relation<'_>) -> bool {
        self.fits_qualifier(MultiArch::Allowed, relation) && relation.accepts(self.record(id).version())
    }

    fn fits_qualifier(&self, multi_arch: MultiArch, relation: &Relation<'_>) -> bool {
        match relation.qualifier {
            None | Some("native") => true,
            Some("any") => matches!(multi_arch, MultiArch::Allowed | MultiArch::Foreign),
            Some(architecture) => architecture == self.universe.architecture(),
        }
    }
}
