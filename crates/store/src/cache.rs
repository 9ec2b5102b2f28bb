//! Derived values, kept by what they were derived from: layer indexes, package indexes, layer records.
//!
//! An entry carries the digest of its kind, key and content. A torn, damaged or misplaced file reads as absent, and
//! whoever wanted it computes it again; so nothing is synced, and a cache folder may be deleted at any time.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use temper_oci::Digest;

use crate::blobs::{BlobError, Durability, replace_file_from, sweep};

const CHECKSUM_BYTES: usize = 32;
/// Longest entry in bytes.
const ENTRY_BYTES_MAX: u64 = 1 << 30;

/// A folder of derived values. Several processes may use one at a time.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// Opens a cache folder; it is made when something is put there.
    pub fn open(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Returns the value of this kind for this key, if it is there and whole.
    ///
    /// The version of a value's form belongs into its kind: `layer-index-1`.
    pub fn get(&self, kind: &str, key: &Digest) -> Option<Vec<u8>> {
        let path = self.path(kind, key);
        let mut bytes = Vec::new();
        let file = File::open(&path).ok()?;
        file.take(ENTRY_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        let is_whole = bytes
            .split_first_chunk::<CHECKSUM_BYTES>()
            .is_some_and(|(sum, content)| checksum(kind, key, content) == *sum);
        if !is_whole {
            tracing::warn!(cache.path = %path.display(), "cache entry is damaged and will be computed again");
            return None;
        }
        bytes.drain(..CHECKSUM_BYTES);
        Some(bytes)
    }

    /// Keeps a value of this kind under this key, in the place of an earlier one.
    pub fn put(&self, kind: &str, key: &Digest, content: &[u8]) -> Result<(), BlobError> {
        let path = self.path(kind, key);
        let folder = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(folder).map_err(BlobError::io("create folder", folder))?;
        let sum = checksum(kind, key, content);
        let bytes = [sum.as_slice(), content].concat();
        replace_file_from(&self.directory, &path, &bytes, Durability::Relaxed)
    }

    /// Removes what writers that died before `before` left; returns how many files that were.
    pub fn sweep(&self, before: SystemTime) -> Result<usize, BlobError> {
        sweep(&self.directory, before)
    }

    fn path(&self, kind: &str, key: &Digest) -> PathBuf {
        let hex = key.hex();
        // A kind is a name of the program, never input; what is not a plain word cannot leave the folder.
        let kind = kind.replace(['/', '.'], "_");
        self.directory.join(kind).join(&hex[..2]).join(format!("{}-{hex}", key.algorithm()))
    }
}

fn checksum(kind: &str, key: &Digest, content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Sha256::new();
    for part in [kind, &key.to_string()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.update(content);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
