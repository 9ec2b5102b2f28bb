//! Public keys that signatures are checked with: those that the command line names, or those of the data folder.

use anyhow::{Context, Error, anyhow};
use temper_attest::PublicKey;
use temper_attest::keys::KEY_BYTES_MAX;
use temper_fetch::http;

use super::file;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A public key with what messages call it.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    /// A file, an address, or the number in the data folder: `key 2`.
    pub(crate) name: String,
    pub(crate) key: PublicKey,
}

/// Reads public keys, each a file or an address; without any, those of the data folder, the newest first.
pub(crate) fn known(workspace: &Workspace, named: &[String]) -> Result<Vec<KnownKey>, Error> {
    if !named.is_empty() {
        return named.iter().map(|name| read(workspace, name)).collect();
    }
    let own = workspace.keys.keys()?.into_iter().rev();
    Ok(own.map(|key| KnownKey { name: format!("key {}", key.number), key: key.public }).collect())
}

fn read(workspace: &Workspace, name: &str) -> Result<KnownKey, Error> {
    let text = if name.starts_with("https://") || name.starts_with("http://") {
        fetch(workspace, name)?
    } else {
        file::read(name.as_ref())?
    };
    let key = PublicKey::from_pem(&text).with_context(|| format!("key `{name}` cannot be used"));
    Ok(KnownKey { name: name.to_owned(), key: key.map_err(Failure::configuration)? })
}

fn fetch(workspace: &Workspace, address: &str) -> Result<String, Error> {
    let client = http::client(&workspace.http)?;
    let bytes = workspace.runtime.block_on(http::small(&client, address, KEY_BYTES_MAX as u64))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| anyhow!("key `{address}` is not text"))
}
