//! Where packages come from, as composition sees it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use temper_oci::Digest;
use temper_resolve::Universe;

use crate::error::External;
use crate::event::Log;

/// The keyring that signs Debian's archive; it ships with Temper.
const DEBIAN_KEYRING: &str = "debian-archive";

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

impl PackageSource {
    /// Returns the sources of a Debian release with the component `main`: the release, its updates, and its security
    /// fixes. `sid` has no other suites.
    pub fn debian(codename: &str) -> Vec<Self> {
        let source = |archive: &str, suffix: &str| Self {
            uri: format!("distribution:{archive}"),
            suite: format!("{codename}{suffix}"),
            components: vec!["main".to_owned()],
            keyring: DEBIAN_KEYRING.to_owned(),
        };
        let mut sources = vec![source("debian", "")];
        if codename != "sid" {
            sources.push(source("debian", "-updates"));
            sources.push(source("debian-security", "-security"));
        }
        sources
    }
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
    /// Digests of their signed releases, `InRelease` or else `Release`, in the order of the sources.
    pub releases: Vec<Digest>,
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

    /// Returns every package that a snapshot offers, with the snapshot: a newer one if the archive was updated since.
    fn universe(&self, snapshot: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External>;

    /// Puts package files into the blob store, each verified against its digest; those that are there already are skipped.
    fn fetch(&self, snapshot: &Snapshot, files: &[PackageFile], log: &dyn Log) -> Result<(), External>;
}
