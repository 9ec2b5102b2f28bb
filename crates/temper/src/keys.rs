//! Keys that sign images: those of the data folder, key files that were made elsewhere, and keys in tokens.

mod file;
mod folder;
mod known;
mod password;
mod pkcs11;
mod random;

use anyhow::{Error, anyhow};
use temper_attest::Signer;

pub(crate) use folder::{Home, Key, KeyFolder};
pub(crate) use known::{KnownKey, known};
pub(crate) use password::KeyPassword;

use crate::failure::Failure;
use crate::keys::pkcs11::uri::Uri;
use crate::workspace::Workspace;

/// Adds a key that was made elsewhere to those of the data folder.
pub(crate) fn import(workspace: &Workspace, key: &str) -> Result<Key, Error> {
    if !Uri::is_uri(key) {
        return workspace.keys.add(file::open(key.as_ref())?);
    }
    let uri = pkcs11::parse(key)?;
    if uri.has_pin() {
        let error = anyhow!("the address of `{uri}` is kept, and has a PIN in it");
        return Err(Failure::usage(error).hint("name a file that holds it, with `pin-source=FILE`").into());
    }
    workspace.keys.add_token(key, pkcs11::open(&uri)?.public_key())
}

/// Opens what signs: `key` is the name of a key file, or the address of a key in a token ([RFC 7512]). Without one it
/// is the newest key of the data folder, which is made
/// where there is none.
///
/// [RFC 7512]: https://www.rfc-editor.org/rfc/rfc7512
pub(crate) fn signer(workspace: &Workspace, key: Option<&str>) -> Result<Box<dyn Signer>, Error> {
    match key {
        None => workspace.keys.signer(),
        Some(uri) if Uri::is_uri(uri) => Ok(Box::new(pkcs11::open(&pkcs11::parse(uri)?)?)),
        Some(path) => Ok(Box::new(file::open(path.as_ref())?)),
    }
}
