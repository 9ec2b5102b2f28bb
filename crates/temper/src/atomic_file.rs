//! Files of the data folder that are there as a whole or not at all, and stay there when the power fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes a file that everybody may read, as far as the user's mask lets them.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, 0o644)
}

/// Writes a file that only its owner reads.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, 0o600)
}

/// Removes a file, whole or half written; it need not be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    remove_one(path)?;
    remove_one(new_name(path).as_ref())
}

/// Writes under another name first, and is done once the disk knows both the bytes and the name.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = new_name(path);
    // Left by a process that was cut off.
    remove_one(new.as_ref())?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // A name that only memory knows is lost with the power, and a key with it.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn remove_one(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn new_name(path: &Path) -> OsString {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_left_is_replaced_and_never_read_by_others() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("secret");
        let left = folder.path().join("secret.new");
        fs::write(&path, "old").expect("writes");
        fs::write(&left, "half").expect("writes");
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).expect("opens");
        write_private(&path, b"new").expect("replaces");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "new");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        fs::write(&left, "half").expect("writes");
        remove(&path).expect("removes both");
        remove(&path).expect("has nothing to remove");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
