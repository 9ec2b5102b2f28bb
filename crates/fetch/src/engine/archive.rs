//! Package archives for composition: verified once, parsed once for a process.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use temper_compose::{Archive, BlobStore, BlobWriter, Event, External, Log, PackageSource, Snapshot, Step};
use temper_deb::index::PackageIndex;
use temper_oci::Digest;
use temper_resolve::{IndexSource, Universe};
use tokio::runtime::Handle;

use super::external;
use crate::archive::{
    ArchiveClient, Freshness, PackageFile, PackageSink, PackageWriter, Progress, Source, SuiteIndex,
    SuiteRelease, shown,
};

/// Tells the time at which something is fetched.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Signed archives as composition sees them.
pub struct ArchiveAdapter {
    runtime: Handle,
    client: ArchiveClient,
    store: Arc<dyn BlobStore>,
    freshness: Freshness,
    clock: Clock,
    /// Verified releases by the key of the snapshot that they make.
    releases: Mutex<BTreeMap<Digest, Vec<SuiteRelease>>>,
    universes: Mutex<BTreeMap<Digest, Arc<Universe>>>,
}

impl ArchiveAdapter {
    /// Returns archives that are read through a client; package files go to the store.
    pub fn new(
        runtime: Handle,
        client: ArchiveClient,
        store: Arc<dyn BlobStore>,
        freshness: Freshness,
        clock: Clock,
    ) -> Self {
        let (releases, universes) = (Mutex::default(), Mutex::default());
        Self { runtime, client, store, freshness, clock, releases, universes }
    }

    async fn releases(&self, sources: &[PackageSource]) -> Result<Vec<SuiteRelease>, External> {
        let mut releases = Vec::new();
        for source in sources {
            let release = self.client.release(&read_source(source), self.freshness, (self.clock)()).await;
            releases.push(release.map_err(|error| {
                let hint = error.hint();
                let (archive, suite) = (shown(&source.uri), &source.suite);
                external(format!("package archive `{archive} {suite}` cannot be used"), error, hint)
            })?);
        }
        Ok(releases)
    }

    /// Reads the indexes of releases; releases of archives that were updated since are replaced by theirs of now.
    async fn load(
        &self,
        architecture: &str,
        releases: Vec<SuiteRelease>,
    ) -> Result<(Universe, Vec<SuiteRelease>), External> {
        let architectures = [architecture.to_owned()];
        let (mut indexes, mut read) = (Vec::new(), Vec::new());
        for (source, release) in releases.into_iter().enumerate() {
            let suite = release.source.suite.clone();
            let failed = format!("package index of `{suite}` for `{architecture}` cannot be used");
            let found = self.client.indexes(release, &architectures, (self.clock)()).await;
            let SuiteIndex { release, packages } = found.map_err(|error| {
                let hint = error.hint();
                external(failed.clone(), error, hint)
            })?;
            for text in packages {
                let index =
                    PackageIndex::parse(text.text).map_err(|error| External::new(failed.clone(), error))?;
                indexes.push(IndexSource {
                    index: Arc::new(index),
                    suite: suite.clone(),
                    codename: release.release.codename.clone().unwrap_or_default(),
                    source,
                    component: text.component,
                    not_automatic: release.release.not_automatic,
                    but_automatic_upgrades: release.release.but_automatic_upgrades,
                });
            }
            read.push(release);
        }
        Ok((Universe::new(architecture, indexes), read))
    }
}

/// Returns the key of releases for an architecture: equal keys offer equal packages.
fn key(architecture: &str, releases: &[SuiteRelease]) -> Digest {
    let lines = releases.iter().map(|release| {
        format!("{} {} {}\n", release.digest, release.source.suite, release.source.components.join(","))
    });
    Digest::of(format!("{architecture}\n{}", lines.collect::<String>()))
}

fn digests(releases: &[SuiteRelease]) -> Vec<Digest> {
    releases.iter().map(|release| release.digest).collect()
}

fn read_source(source: &PackageSource) -> Source {
    Source {
        uri: source.uri.clone(),
        suite: source.suite.clone(),
        components: source.components.clone(),
        keyring: source.keyring.clone(),
    }
}

impl Archive for ArchiveAdapter {
    fn snapshot(&self, sources: &[PackageSource], architecture: &str) -> Result<Snapshot, External> {
        // Platforms are composed at once; the second one finds what the first one has fetched.
        let mut known = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        let releases = self.runtime.block_on(self.releases(sources))?;
        let key = key(architecture, &releases);
        let digests = digests(&releases);
        known.insert(key, releases);
        Ok(Snapshot {
            key,
            architecture: architecture.to_owned(),
            sources: sources.to_vec(),
            releases: digests,
        })
    }

    fn universe(&self, snapshot: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        let known = self.universes.lock().unwrap_or_else(PoisonError::into_inner).get(&snapshot.key).cloned();
        if let Some(universe) = known {
            return Ok((snapshot.clone(), universe));
        }
        let releases =
            self.releases.lock().unwrap_or_else(PoisonError::into_inner).get(&snapshot.key).cloned();
        let releases = releases.ok_or_else(|| External {
            message: "the snapshot is not one of this archive".to_owned(),
            hint: None,
            source: None,
        })?;
        let (universe, releases) = self.runtime.block_on(self.load(&snapshot.architecture, releases))?;
        let (universe, key) = (Arc::new(universe), key(&snapshot.architecture, &releases));
        let digests = digests(&releases);
        self.releases.lock().unwrap_or_else(PoisonError::into_inner).insert(key, releases);
        let mut universes = self.universes.lock().unwrap_or_else(PoisonError::into_inner);
        universes.insert(key, Arc::clone(&universe));
        Ok((Snapshot { key, releases: digests, ..snapshot.clone() }, universe))
    }

    fn fetch(
        &self,
        snapshot: &Snapshot,
        files: &[temper_compose::PackageFile],
        log: &dyn Log,
    ) -> Result<(), External> {
        let wanted: Vec<PackageFile> = files
            .iter()
            .filter_map(|file| {
                let source = snapshot.sources.get(file.source)?;
                let (uri, path) = (source.uri.clone(), file.path.clone());
                Some(PackageFile { uri, path, size: file.size_bytes, digest: file.digest })
            })
            .filter(|file| !self.store.size(&file.digest).is_ok_and(|size| size.is_some()))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let total: u64 = wanted.iter().map(|file| file.size).sum();
        let done = AtomicU64::new(0);
        let progress = |progress: Progress<'_>| {
            if let Progress::Done(file) = progress {
                let done = done.fetch_add(file.size, Ordering::Relaxed) + file.size;
                let message = format!("fetch {} package files ({})", wanted.len(), snapshot.architecture);
                log.event(Event::new(Step::Fetch, message).bytes(done, total));
            }
        };
        let sink = Arc::new(Sink(Arc::clone(&self.store)));
        let fetched = self.runtime.block_on(self.client.fetch_packages(&wanted, sink, &progress));
        fetched.map(drop).map_err(|error| {
            let hint = error.hint();
            external("package files cannot be fetched".to_owned(), error, hint)
        })
    }
}

/// The blob store as the place where package files go.
struct Sink(Arc<dyn BlobStore>);

impl PackageSink for Sink {
    fn contains(&self, digest: &Digest) -> io::Result<bool> {
        Ok(self.0.size(digest)?.is_some())
    }

    fn create(&self) -> io::Result<Box<dyn PackageWriter>> {
        Ok(Box::new(FileWriter(self.0.create()?)))
    }
}

struct FileWriter(Box<dyn BlobWriter>);

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl PackageWriter for FileWriter {
    fn commit(self: Box<Self>, digest: &Digest) -> io::Result<()> {
        self.0.commit(Some(digest)).map(drop)
    }
}

#[cfg(test)]
mod tests;
