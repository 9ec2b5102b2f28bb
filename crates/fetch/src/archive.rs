//! Debian archives: signed suites, their package indexes, and package files.
//!
//! Nothing is used before it is verified: a release by OpenPGP, its date and its name; an index by the digest in
//! the release; a package by the digest in the index. Follows Debian's
//! [repository format](https://wiki.debian.org/DebianRepository/Format) and apt's behaviour where that page is silent.

mod disk;
mod download;
mod error;
mod index;
mod mirrors;
mod release;
mod request;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::Client;

use crate::http::Backoff;
use crate::openpgp::{DEBIAN_ARCHIVE, Keyring, KeyringError};

pub use self::download::{FetchSummary, PackageFile, PackageSink, PackageWriter, Progress};
pub use self::error::ArchiveError;
pub use self::index::PackagesText;
pub use self::mirrors::{MirrorError, Mirrors};
pub use self::release::SuiteRelease;
pub(crate) use self::release::shown;

/// One suite of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The archive's address, or `distribution:NAME` for one that [`Mirrors`] locates.
    pub uri: String,
    /// The suite's folder below `dists`, `trixie-security`.
    pub suite: String,
    /// Its components, `main`.
    pub components: Vec<String>,
    /// Name of the keyring that must have signed it.
    pub keyring: String,
}

/// When a suite that was verified before is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Always; unchanged ones cost one small answer.
    Always,
    /// Only if the last time is longer ago.
    MaxAge(Duration),
    /// Never: what is not cached is an error.
    Offline,
}

/// Bounds of what an archive may send. The default admits Debian's largest suites several times over.
#[derive(Clone, Debug)]
pub struct ArchiveLimits {
    /// Size of a release file or signature.
    pub release_bytes_max: u64,
    /// Size of an index as it is stored in the archive.
    pub index_bytes_max: u64,
    /// Size of an index after decompression.
    pub index_text_bytes_max: u64,
    /// Size of a package file.
    pub package_bytes_max: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            release_bytes_max: 16 << 20,
            index_bytes_max: 256 << 20,
            index_text_bytes_max: 1 << 30,
            package_bytes_max: 8 << 30,
        }
    }
}

/// Where archives are and how they are used.
#[derive(Clone, Debug)]
pub struct ArchiveConfig {
    /// Addresses of the distributions.
    pub mirrors: Mirrors,
    /// Keyrings by name, on top of [`DEBIAN_ARCHIVE`].
    pub keyrings: BTreeMap<String, Keyring>,
    /// Folder for verified releases and indexes; may be deleted at any time.
    pub cache_folder: PathBuf,
    /// Folder for the dates of accepted releases, which protect against older ones; is to be kept.
    pub state_folder: PathBuf,
    /// How failed requests are repeated.
    pub backoff: Backoff,
    /// Package files that are fetched at once.
    pub downloads_max: usize,
    /// Bounds.
    pub limits: ArchiveLimits,
}

impl ArchiveConfig {
    /// Returns the usual settings for the given places.
    pub fn new(mirrors: Mirrors, cache_folder: PathBuf, state_folder: PathBuf) -> Self {
        Self {
            mirrors,
            keyrings: BTreeMap::new(),
            cache_folder,
            state_folder,
            backoff: Backoff::default(),
            downloads_max: 8,
            limits: ArchiveLimits::default(),
        }
    }
}

/// A suite with the package indexes that were asked for.
#[derive(Clone, Debug)]
pub struct SuiteIndex {
    /// The verified release: the one that was given, or a newer one.
    pub release: SuiteRelease,
    /// The indexes, by component and then architecture as the source and the caller list them.
    pub packages: Vec<PackagesText>,
}

/// Reads archives. One client serves a whole process; it holds no state but its settings and connections.
#[derive(Clone, Debug)]
pub struct ArchiveClient {
    config: ArchiveConfig,
    client: Client,
}

impl ArchiveClient {
    /// Makes a client that uses connections of `client`, see [`crate::http::client`].
    pub fn new(mut config: ArchiveConfig, client: Client) -> Self {
        config.keyrings.entry(DEBIAN_ARCHIVE.to_owned()).or_insert_with(Keyring::debian_archive);
        Self { config, client }
    }

    /// Returns the indexes of a release for some architectures, in the order of the source's components, and the release
    /// that they belong to.
    ///
    /// An archive that was updated since, so that index and release are out of step, is asked for its release once
    /// more.
    pub async fn indexes(
        &self,
        release: SuiteRelease,
        architectures: &[String],
        now: SystemTime,
    ) -> Result<SuiteIndex, ArchiveError> {
        match self.packages(&release, architectures).await {
            Ok(packages) => Ok(SuiteIndex { release, packages }),
            Err(error) if error.is_out_of_step() && !release.is_offline => {
                let release = self.release(&release.source, Freshness::Always, now).await?;
                let packages = self.packages(&release, architectures).await?;
                Ok(SuiteIndex { release, packages })
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what writers that died before `before` left in its folders.
    pub fn sweep(&self, before: SystemTime) {
        disk::sweep(&self.config.cache_folder, before);
        disk::sweep(&self.config.state_folder, before);
    }

    fn keyring(&self, name: &str) -> Result<&Keyring, KeyringError> {
        self.config.keyrings.get(name).ok_or_else(|| KeyringError::Unknown {
            keyring: name.to_owned(),
            known: self.config.keyrings.keys().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
