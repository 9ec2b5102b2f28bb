//! Who else on this machine reads the data folder: nobody, where people log in.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Permissions of a folder that is for its owner alone.
pub(super) const FOLDER_MODE: u32 = 0o700;

/// Permissions of a file that is for its owner alone.
pub(super) const FILE_MODE: u32 = 0o600;

/// Takes from others what they may do with a file or folder, and tells so; what cannot be changed is told too.
pub(super) fn restrict(path: &Path, mode: u32) {
    let shown = path.display();
    match narrow(path, mode) {
        Ok(false) => {}
        Ok(true) => {
            tracing::info!(path = %shown, mode = format!("{mode:o}"), "closed for other users of this machine");
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(path = %shown, error, "other users of this machine may read this");
        }
    }
}

/// Says whether there was something to take.
fn narrow(path: &Path, mode: u32) -> io::Result<bool> {
    let others = fs::metadata(path)?.permissions().mode() & 0o077;
    if others != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(others != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_closed_once() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("opens");
        assert!(narrow(folder.path(), FOLDER_MODE).expect("closes"));
        assert_eq!(mode(folder.path()), FOLDER_MODE);
        assert!(!narrow(folder.path(), FOLDER_MODE).expect("looks"));
        restrict(&folder.path().join("missing"), FILE_MODE);
    }
}
