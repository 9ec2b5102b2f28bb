//! Keys that sign images: those of the data folder, and key files that were made elsewhere.

mod file;
mod folder;
mod password;
mod random;

use std::path::Path;

use anyhow::Error;
use temper_attest::Signer;

pub(crate) use folder::{Home, Key, KeyFolder};
pub(crate) use password::KeyPassword;

use crate::workspace::Workspace;

/// Adds a key that was made elsewhere to those of the data folder.
pub(crate) fn import(workspace: &Workspace, key: &Path) -> Result<Key, Error> {
    workspace.keys.add(&file::open(key)?)
}

/// Opens what signs: `key` is the name of a key file; without one it is the newest key of the data folder, made
/// where there is none.
pub(crate) fn signer(workspace: &Workspace, key: Option<&str>) -> Result<Box<dyn Signer>, Error> {
    match key {
        None => workspace.keys.signer(),
        Some(path) => Ok(Box::new(file::open(path.as_ref())?)),
    }
}
