//! Where packages come from, as composition sees it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use temper_oci::Digest;
use temper_resolve::Universe;

use crate::error::External;
use crate::event::Log;

/// One suite of a package archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageSource {
    /// Its address, or `distribution:NAME` for one that configuration locates.
    pub uri: String,
    /// The suite, `trixie-security`.
    pub suite: String,
    /// Its components, `main`.
    pub components: Vec<String>,
    /// Name of the keyring that must have signed it.
    pub keyring: String,
}

/// The verified state of some suites at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Digest over the signed indexes and the architecture: equal snapshots offer equal packages.
    pub key: Digest,
    /// Architecture in Debian's words.
    pub architecture: String,
    /// The suites that it was taken of.
    pub sources: Vec<PackageSource>,
}

/// A package file to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageFile {
    /// Package name, for messages.
    pub name: String,
    /// Which of the snapshot's sources lists it.
    pub source: usize,
    /// Path below the source's address.
    pub path: String,
    /// Size in bytes, from the signed index.
    pub size_bytes: u64,
    /// Digest, from the signed index.
    pub digest: Digest,
}

/// Signed package archives.
pub trait Archive: Send + Sync {
    /// Verifies the signed indexes of some suites; cheap where they were verified a moment ago.
    fn snapshot(&self, sources: &[PackageSource], architecture: &str) -> Result<Snapshot, External>;

    /// Returns every package that a snapshot offers.
    fn universe(&self, snapshot: &Snapshot) -> Result<Arc<Universe>, External>;

    /// Puts package files into the blob store, each verified against its digest; those that are there already are skipped.
    fn fetch(&self, snapshot: &Snapshot, files: &[PackageFile], log: &dyn Log) -> Result<(), External>;
}
