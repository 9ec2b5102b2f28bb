//! The packages of an archive for one architecture, ready to be looked up by name.
//!
//! A universe is built once for a set of indexes and shared; the packages of a base image are layered over it for one
//! resolution. Building it reads names and provided names only.

mod mention;
mod names;

use std::sync::OnceLock;

use temper_deb::index::PackageRecord;

use mention::Mentions;
use names::NameTable;

use crate::source::IndexSource;

/// A record of one universe, in the order of its sources and of their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordId(pub(crate) u32);

/// All versions of all packages of some indexes that fit one architecture.
#[derive(Debug)]
pub struct Universe {
    architecture: String,
    pub(crate) sources: Vec<IndexSource>,
    /// The id of each source's first record.
    starts: Vec<u32>,
    length: u32,
    names: NameTable,
    provides: NameTable,
    mentions: OnceLock<Mentions>,
}

impl Universe {
    /// Builds the tables of `sources`, which stand in the order of a source list; of equal versions the first counts.
    ///
    /// `architecture` is Debian's name of it. Packages of other architectures than that and `all` are passed over.
    pub fn new(architecture: &str, sources: Vec<IndexSource>) -> Self {
        let count = sources.iter().map(|source| source.index.len()).sum();
        let mut universe = Self {
            architecture: architecture.to_owned(),
            starts: Vec::with_capacity(sources.len()),
            sources,
            length: 0,
            names: NameTable::with_capacity(count),
            provides: NameTable::default(),
            mentions: OnceLock::new(),
        };
        for source in &universe.sources {
            universe.starts.push(universe.length);
            for record in source.index.records() {
                let id = RecordId(universe.length);
                universe.length += 1;
                if !fits(&record, architecture) {
                    continue;
                }
                universe.names.add(record.name(), id);
                for (name, _) in record.provided() {
                    universe.provides.add(name, id);
                }
            }
        }
        universe.names.finish();
        universe.provides.finish();
        universe
    }

    /// Debian's name of the architecture.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The indexes, in the order they were given.
    pub fn sources(&self) -> &[IndexSource] {
        &self.sources
    }

    /// Whether a package of this name can be installed from the archive.
    pub fn contains(&self, name: &str) -> bool {
        self.versions(name).next().is_some()
    }

    /// All versions of a package with the index that holds each, in the order of the sources.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a IndexSource, PackageRecord<'a>)> {
        self.versions(name).map(|id| (&self.sources[self.source_of(id)], self.record(id)))
    }

    /// All packages that provide a name with the index that holds each, in the order of the sources.
    pub fn providing<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a IndexSource, PackageRecord<'a>)> {
        self.providers(name).map(|(id, _)| (&self.sources[self.source_of(id)], self.record(id)))
    }

    /// Names of all packages, sorted and each once.
    pub fn package_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.fitting_records().map(|record| record.name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn len(&self) -> u32 {
        self.length
    }

    pub(crate) fn source_of(&self, id: RecordId) -> usize {
        self.starts.partition_point(|start| *start <= id.0) - 1
    }

    /// The position of a record in the index of its source.
    pub(crate) fn position_of(&self, id: RecordId) -> usize {
        (id.0 - self.starts[self.source_of(id)]) as usize
    }

    pub(crate) fn record(&self, id: RecordId) -> PackageRecord<'_> {
        let source = &self.sources[self.source_of(id)];
        source.index.find(self.position_of(id)).expect("ids are made from positions of the index")
    }

    pub(crate) fn versions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = RecordId> + 'a {
        self.names.find(name).filter(move |id| self.record(*id).name() == name)
    }

    /// The records that provide `name`, each with the version it provides, in the order of their ids.
    pub(crate) fn providers<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (RecordId, Option<&'a str>)> + 'a {
        self.provides.find(name).flat_map(move |id| {
            let provided = self.record(id).provided().filter(move |(provided, _)| *provided == name);
            provided.map(move |(_, version)| (id, version))
        })
    }

    /// All records that can be installed, in the order of the sources and of their texts.
    fn fitting_records(&self) -> impl Iterator<Item = PackageRecord<'_>> {
        let records = self.sources.iter().flat_map(|source| source.index.records());
        records.filter(|record| fits(record, &self.architecture))
    }
}

/// Whether a package can be installed on `architecture` without the help of Multi-Arch.
pub(crate) fn fits(record: &PackageRecord<'_>, architecture: &str) -> bool {
    record.architecture() == architecture || record.architecture() == "all"
}
