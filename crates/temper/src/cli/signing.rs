//! How a command signs what it builds.

use std::path::PathBuf;

use clap::Args;

/// Options of every command that builds an image.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    /// Key that signs: a cosign key file, whose password `COSIGN_PASSWORD` holds, or the address of a key in a token
    /// [default: the newest key of the data folder, whose password `TEMPER_KEY_PASSWORD` or the file that
    /// `TEMPER_KEY_PASSWORD_FILE` names may hold]
    #[arg(long, value_name = "FILE|pkcs11:URI", conflicts_with = "no_sign")]
    pub(crate) key: Option<String>,
    /// Publish the image without signatures and attestations
    #[arg(long)]
    pub(crate) no_sign: bool,
    /// Keep everything that the image was built from beside it, so that it can be built again as long as it is there:
    /// package files, base and artifacts
    #[arg(long, conflicts_with = "no_sign")]
    pub(crate) keep_inputs: bool,
    /// OpenVEX document about the image or its packages; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "no_sign")]
    pub(crate) vex: Vec<PathBuf>,
}
