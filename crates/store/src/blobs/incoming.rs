//! Files that are being written, under a name of their own until they are whole.
//!
//! A writer holds a lock on its file, which the operating system drops with the process, whatever ended it: so a file
//! that nobody holds is known to be left over, also where processes of several containers share a folder.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::{BlobError, files};

const PREFIX: &str = ".incoming-";
const FILE_MODE: u32 = 0o644;

/// Starts a file in a folder; dropped before it is renamed it leaves nothing.
pub(super) fn create(folder: &Path) -> Result<NamedTempFile, BlobError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(FILE_MODE));
    let file = builder.tempfile_in(folder).map_err(BlobError::io("create a file in", folder))?;
    // Where a file system knows no locks, age alone tells what is left over.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Removes the files of writers that died before `before` from a folder; returns how many that were.
///
/// A folder that is not there has none.
pub(crate) fn sweep(folder: &Path, before: SystemTime) -> Result<usize, BlobError> {
    if !folder.exists() {
        return Ok(0);
    }
    let mut removed = 0;
    for (name, path) in files(folder)? {
        if name.starts_with(PREFIX) && is_left_over(&path, before) && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_left_over(path: &Path, before: SystemTime) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let is_old = file.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|time| time < before);
    is_old && !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
