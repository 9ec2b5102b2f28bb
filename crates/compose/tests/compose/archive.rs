//! A package archive in memory: indexes written from fake packages, by suite.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use temper_compose::{Archive, BlobStore, External, Log, PackageFile, PackageSource, Snapshot};
use temper_deb::index::PackageIndex;
use temper_oci::Digest;
use temper_resolve::{IndexSource, Universe};
use temper_testkit::{Compression, Deb};

use crate::memory::MemoryStore;

/// The suite of packages that name no other.
pub(crate) const SUITE: &str = "trixie";

/// An archive whose package files go to one store.
#[derive(Debug)]
pub(crate) struct MemoryArchive {
    store: MemoryStore,
    suites: BTreeMap<String, Vec<(String, String)>>,
    files: BTreeMap<Digest, Vec<u8>>,
    /// Names of the packages whose files were not in the store, in the order in which they were asked for.
    fetched: Mutex<Vec<String>>,
}

impl MemoryArchive {
    /// Makes an archive without packages.
    pub(crate) fn new(store: MemoryStore) -> Self {
        Self { store, suites: BTreeMap::new(), files: BTreeMap::new(), fetched: Mutex::default() }
    }

    /// Adds a package to a suite; one of another component than `main` is named with it, `trixie/contrib`.
    pub(crate) fn add(&mut self, suite: &str, package: &Deb) {
        let bytes = package.clone().compression(Compression::None).build();
        let digest = Digest::of(&bytes);
        let mut stanza = package.control();
        let (name, size) = (package.file_name(), bytes.len());
        write!(stanza, "Filename: pool/{name}\nSize: {size}\nSHA256: {}\n\n", digest.hex())
            .expect("text can be written");
        let architecture = package.get("Architecture").to_owned();
        self.suites.entry(suite.to_owned()).or_default().push((architecture, stanza));
        self.files.insert(digest, bytes);
    }

    /// Returns the names of the packages whose files were fetched, in order.
    pub(crate) fn fetched(&self) -> Vec<String> {
        self.fetched.lock().expect("no fetch panics").clone()
    }

    /// Returns a package file.
    pub(crate) fn file(&self, digest: &Digest) -> &[u8] {
        &self.files[digest]
    }

    /// Returns the digests of all package files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Digest> {
        self.files.keys()
    }

    /// Writes the index of a suite's components for one architecture.
    fn text(&self, source: &PackageSource, architecture: &str) -> String {
        let components = source.components.iter().map(|component| match component.as_str() {
            "main" => source.suite.clone(),
            other => format!("{}/{other}", source.suite),
        });
        let stanzas = components.filter_map(|name| self.suites.get(&name)).flatten();
        let fitting = stanzas.filter(|(own, _)| own == architecture || own == "all");
        fitting.map(|(_, stanza)| stanza.as_str()).collect()
    }
}

impl Archive for MemoryArchive {
    fn snapshot(&self, sources: &[PackageSource], architecture: &str) -> Result<Snapshot, External> {
        let texts: String = sources.iter().map(|source| self.text(source, architecture)).collect();
        let key = Digest::of(format!("{architecture}\n{texts}"));
        let releases = sources.iter().map(|source| Digest::of(self.text(source, architecture))).collect();
        Ok(Snapshot { key, architecture: architecture.to_owned(), sources: sources.to_vec(), releases })
    }

    fn universe(&self, snapshot: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        let indexes = snapshot.sources.iter().enumerate().map(|(position, source)| {
            let text = self.text(source, &snapshot.architecture);
            let index = PackageIndex::parse(text).expect("the index is well formed");
            IndexSource {
                source: position,
                ..IndexSource::new(Arc::new(index), &source.suite, &source.components[0])
            }
        });
        let universe = Universe::new(&snapshot.architecture, indexes.collect());
        Ok((snapshot.clone(), Arc::new(universe)))
    }

    fn fetch(&self, _: &Snapshot, files: &[PackageFile], _: &dyn Log) -> Result<(), External> {
        for file in files {
            let bytes = self.files.get(&file.digest).expect("only listed files are asked for");
            if self.store.size(&file.digest).is_ok_and(|size| size.is_none()) {
                self.fetched.lock().expect("no fetch panics").push(file.name.clone());
            }
            assert_eq!(bytes.len() as u64, file.size_bytes, "size of `{}`", file.path);
            self.store.put(bytes).map_err(|error| External::new("could not keep a package file", error))?;
        }
        Ok(())
    }
}
