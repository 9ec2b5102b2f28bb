//! Files that outlive a run: the cache of releases and indexes, and the state that protects against older ones.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use temper_oci::Digest;

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
    /// What its signature was found to be at that time.
    #[serde(default)]
    pub(super) verified: Option<VerifiedRelease>,
}

/// A release whose signature holds for a keyring; as apt does, it is verified when it arrives, not at each use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VerifiedRelease {
    /// Digest of the keyring; with another one the signature is verified again.
    pub(super) keyring: Digest,
    /// The signed text.
    pub(super) text: String,
    /// Fingerprints of the certificates with a good signature.
    pub(super) signers: Vec<String>,
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

/// What names of files begin with that are not complete yet.
const INCOMING_PREFIX: &str = ".incoming-";

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
    let mut file = tempfile::Builder::new().prefix(INCOMING_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Removes old unfinished files from a folder and the folders below it; what cannot be removed stays.
///
/// A record is written in one go, so age alone tells that its writer is gone.
pub(super) fn sweep(folder: &Path, before: SystemTime) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let is_incoming = entry.file_name().to_string_lossy().starts_with(INCOMING_PREFIX);
        if metadata.is_dir() {
            sweep(&entry.path(), before);
        } else if is_incoming && metadata.modified().is_ok_and(|time| time < before) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

pub(super) fn disk(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Disk { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_old_unfinished_files_are_swept() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (record, left) =
            (folder.path().join("releases/a.json"), folder.path().join("releases/.incoming-x"));
        replace(&record, b"{}").expect("is written");
        fs::write(&left, "half").expect("is written");
        let written = fs::metadata(&left).and_then(|metadata| metadata.modified()).expect("has a time");
        sweep(folder.path(), written - Duration::from_secs(1));
        assert!(left.exists(), "it is young");
        sweep(folder.path(), written + Duration::from_secs(1));
        assert!(record.exists() && !left.exists());
    }
}
