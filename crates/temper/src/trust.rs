//! The keys whose signatures a command believes.

use anyhow::anyhow;
use temper_attest::PublicKey;

use crate::cli;
use crate::failure::Failure;
use crate::keys;
use crate::workspace::Workspace;

/// Reads the keys that options name, else all of the data folder: what any of them signed counts.
pub(crate) fn keys(workspace: &Workspace, options: &cli::Trust) -> Result<Vec<PublicKey>, anyhow::Error> {
    let known = keys::known(workspace, &options.keys)?;
    if known.is_empty() {
        let error = anyhow!("there is no key to verify with: the data folder has none");
        let hint =
            "name the key of the image's publisher, `--key FILE` or `--key https://HOST/keyring/latest.pub`";
        return Err(Failure::usage(error).hint(hint).into());
    }
    Ok(known.into_iter().map(|known| known.key).collect())
}
