//! The key for tokens in the data folder, made at the first start.

use std::path::Path;

use anyhow::Context;
use temper_registry::TokenKey;

use super::{privacy, reload};
use crate::atomic_file;
use crate::failure::Failure;

/// Where the key is in the data folder: PKCS #8, readable by its owner alone.
const KEY_FILE: &str = "token-key.pk8";

/// Reads the key, or makes it where there is none.
pub(super) fn read_or_make(folder: &Path) -> Result<TokenKey, anyhow::Error> {
    let path = folder.join(KEY_FILE);
    if !path.exists() {
        let key = TokenKey::generate()?;
        atomic_file::write_private(&path, key.pkcs8())
            .with_context(|| format!("key for tokens `{}` cannot be written", path.display()))?;
        return Ok(key);
    }
    let failed = || format!("key for tokens `{}` cannot be used", path.display());
    privacy::restrict(&path, privacy::FILE_MODE);
    let bytes = reload::read(&path).with_context(failed).map_err(Failure::configuration)?;
    let key = TokenKey::from_pkcs8(&bytes).with_context(failed).map_err(Failure::configuration);
    Ok(key
        .map_err(|failure| failure.hint("remove the file: a new key is made, and clients get new tokens"))?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept_secret() {
        let folder = tempfile::tempdir().expect("makes a folder");
        fs::write(folder.path().join("token-key.pk8.new"), "half").expect("writes");
        let made = read_or_make(folder.path()).expect("makes");
        let read = read_or_make(folder.path()).expect("reads");
        assert_eq!(made.pkcs8(), read.pkcs8());
        let path = folder.path().join(KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opens");
        read_or_make(folder.path()).expect("reads");
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "").expect("writes");
        let error = read_or_make(folder.path()).expect_err("is no key");
        assert!(format!("{error:#}").contains("cannot be used"), "{error:#}");
    }
}
