//! The key for tokens, made at the first start: in the data folder, or in the records where several servers share them.
//!
//! A client asks one server for a token and shows it to another, so all of them need the same key.

use std::path::Path;

use anyhow::{Context, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use temper_registry::TokenKey;
use temper_store::records::{Database, Records};

use super::{privacy, reload};
use crate::atomic_file;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Where the key is in the data folder: PKCS #8, readable by its owner alone.
pub(crate) const KEY_FILE: &str = "token-key.pk8";

/// The name of the key among the settings of the records.
const SETTING: &str = "token key";

/// Returns the key of a server, and makes it where there is none.
pub(super) fn open(workspace: &Workspace, records: &Records) -> Result<TokenKey, anyhow::Error> {
    match &workspace.database {
        Database::File(_) => read_or_make(&workspace.folder),
        Database::Server(_) => workspace.runtime.block_on(agree(records)),
    }
}

/// Reads the key of the servers over one database; the first of them makes it.
async fn agree(records: &Records) -> Result<TokenKey, anyhow::Error> {
    let text = match records.find_setting(SETTING).await? {
        Some(text) => text,
        None => records.settle(SETTING, &BASE64.encode(TokenKey::generate()?.pkcs8())).await?,
    };
    let bytes = BASE64.decode(&text).map_err(|_| anyhow!("is not base64"));
    let key = bytes.and_then(|bytes| Ok(TokenKey::from_pkcs8(&bytes)?));
    let failed = || format!("key for tokens, the setting `{SETTING}` of the database, cannot be used");
    Ok(key.with_context(failed).map_err(Failure::configuration)?)
}

/// Reads the key of a data folder, or makes it where there is none.
fn read_or_make(folder: &Path) -> Result<TokenKey, anyhow::Error> {
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
