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

/// What the command line names where it names a key.
const NAMED: &str = "name a key file that cosign has made, or the address of a key in a token";

/// Opens an encrypted key file that the command line names.
pub(super) fn open(path: &Path) -> Result<FileKey, Error> {
    let text = text_of(path).map_err(|error| Failure::usage(error).hint(NAMED))?;
    // Nobody is asked for the password of what has none.
    let password =
        if text.contains(ENCRYPTED) { password::of_key_file(path)? } else { SecretString::default() };
    Ok(decrypt(path, &text, &password).map_err(|error| match error.downcast_ref() {
        Some(KeyError::Passphrase) => {
            Failure::configuration(error).hint("`COSIGN_PASSWORD` must hold the password of this file")
        }
        _ => Failure::usage(error).hint(NAMED),
    })?)
}

/// Opens a key file of the data folder; `hint` says where another password would come from.
pub(super) fn open_own(path: &Path, password: &SecretString, hint: &str) -> Result<FileKey, Error> {
    let text = read(path)?;
    Ok(decrypt(path, &text, password).map_err(|error| match error.downcast_ref() {
        Some(KeyError::Passphrase) => Failure::configuration(error).hint(hint),
        _ => Failure::configuration(error),
    })?)
}

/// Reads the text of a key of the data folder, private or public.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    Ok(text_of(path).map_err(Failure::configuration)?)
}

fn decrypt(path: &Path, text: &str, password: &SecretString) -> Result<FileKey, Error> {
    FileKey::from_encrypted_pem(text, password)
        .with_context(|| format!("key `{}` cannot be used", path.display()))
}

fn text_of(path: &Path) -> Result<String, Error> {
    let text = || {
        let bytes = password::read_bounded(path, KEY_BYTES_MAX)?;
        String::from_utf8(bytes).map_err(|_| anyhow!("it is not text"))
    };
    text().with_context(|| format!("key `{}` cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::open;
    use crate::failure::exit_code;

    #[test]
    fn what_is_not_encrypted_needs_no_password() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("some.key");
        for text in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "nothing"] {
            std::fs::write(&path, text).expect("writes");
            let error = open(&path).map(|_| ()).expect_err("is no private key");
            assert!(format!("{error:#}").contains("some.key` cannot be used"), "{text:?}: {error:#}");
            assert_eq!(exit_code(&error), 2, "{error:#}");
        }
        let error = open(&folder.path().join("none.key")).map(|_| ()).expect_err("is not there");
        assert!(format!("{error:#}").contains("none.key` cannot be read"), "{error:#}");
        assert_eq!(exit_code(&error), 2, "{error:#}");
    }
}
