//! A key file that cosign has made, opened with the password that cosign would ask for.

use std::path::Path;

use anyhow::{Context, Error, anyhow};
use secrecy::SecretString;
use temper_attest::keys::KEY_BYTES_MAX;
use temper_attest::{FileKey, KeyError};

use super::password;
use crate::failure::Failure;

/// What begins an encrypted key file, of whatever version of cosign.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED ";

/// Opens an encrypted key file.
pub(super) fn open(path: &Path) -> Result<FileKey, Error> {
    let text = read(path)?;
    // Nobody is asked for the password of what has none.
    let password =
        if text.contains(ENCRYPTED) { password::of_key_file(path)? } else { SecretString::default() };
    decrypt(path, &text, &password, "`COSIGN_PASSWORD` must hold the password of this file")
}

/// Decrypts the text of a key file; `hint` says where another password would come from.
pub(super) fn decrypt(
    path: &Path,
    text: &str,
    password: &SecretString,
    hint: &str,
) -> Result<FileKey, Error> {
    FileKey::from_encrypted_pem(text, password).map_err(|error| {
        let hint = if error == KeyError::Passphrase { Some(hint.to_owned()) } else { error.hint() };
        let error = Error::new(error).context(format!("key `{}` cannot be used", path.display()));
        Failure::configuration(error).hint_if(hint).into()
    })
}

/// Reads the text of a key, private or public.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let failed = || format!("key `{}` cannot be read", path.display());
    let bytes = password::read_bounded(path, KEY_BYTES_MAX).with_context(failed);
    let bytes = bytes.map_err(Failure::configuration)?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("it is not text")).with_context(failed);
    Ok(text.map_err(Failure::configuration)?)
}

#[cfg(test)]
mod tests {
    use super::open;

    #[test]
    fn what_is_not_encrypted_needs_no_password() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("some.key");
        for text in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "nothing"] {
            std::fs::write(&path, text).expect("writes");
            let error = open(&path).map(|_| ()).expect_err("is no private key");
            assert!(format!("{error:#}").contains("some.key` cannot be used"), "{text:?}: {error:#}");
        }
    }
}
