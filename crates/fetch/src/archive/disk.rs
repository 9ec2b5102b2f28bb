//! Files that outlive a run: the cache of releases and indexes, and the state that protects against older ones.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use temper_oci::Digest;
use tempfile::NamedTempFile;

use super::ArchiveError;

/// A release as it was fetched, with what a conditional request needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CachedRelease {
    /// For people who look into the folder.
    pub(super) uri: String,
    pub(super) suite: String,
    pub(super) signed: Signed,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// When the archive last said that this is its state, in seconds since the epoch.
    pub(super) fetched_at: u64,
}

/// The two forms of a signed release.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Signed {
    Clear { inrelease: String },
    Detached { release: String, signature: String },
}

/// The newest release of a suite that was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) uri: String,
    pub(super) suite: String,
    /// Its `Date`, in seconds since the epoch.
    pub(super) date: i64,
}

/// Largest file that is read here; releases are limited before they are written.
const RECORD_BYTES_MAX: u64 = 64 << 20;

/// The file of a suite within a folder, by address and name.
pub(super) fn suite_file(folder: &Path, uri: &str, suite: &str) -> PathBuf {
    let key = Digest::of(format!("{uri}\n{suite}"));
    folder.join(format!("{}.json", key.hex()))
}

/// Reads a record. A missing one is nothing; so is one that cannot be read as such, as it can be made again.
pub(super) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ArchiveError> {
    let bytes = read_bounded(path, RECORD_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Writes a record.
pub(super) fn write_record<T: Serialize>(path: &Path, record: &T) -> Result<(), ArchiveError> {
    let bytes = serde_json::to_vec(record).map_err(io::Error::from);
    bytes.and_then(|bytes| replace(path, &bytes)).map_err(|source| disk(path, source))
}

/// Reads a file whole; nothing if it is not there or larger.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 <= limit => Ok(Some(bytes)),
        Ok(_) => Ok(None),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(disk(path, source)),
    }
}

/// Writes a file so that readers, and a crash, see the old bytes or the new ones.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

pub(super) fn disk(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Disk { path: path.to_owned(), source }
}
