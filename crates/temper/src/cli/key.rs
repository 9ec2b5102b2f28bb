//! The command line of `temper key`.

use clap::{Args, Subcommand};

/// What to do with the keys that sign images.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// List the keys of the data folder; the newest signs
    #[command(after_help = "Example:
  temper key list --json")]
    List,
    /// Print a public key, as `cosign verify --key` reads it
    Show(KeyShow),
    /// Make the first key; the first signature would make it too
    #[command(after_help = "Example:
  temper key create
  TEMPER_KEY_PASSWORD_FILE=/run/secrets/key-password temper key create")]
    Create,
    /// Make a new key, which signs from now on; older public keys stay published
    #[command(after_help = "Example:
  temper key rotate
  TEMPER_KEY_PASSWORD=… temper key rotate")]
    Rotate,
    /// Take over a key that was made elsewhere, which signs from now on
    Import(KeyImport),
}

/// Options of `key show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper key show > temper.pub
  temper key show 1 --json")]
pub(crate) struct KeyShow {
    /// Number of the key [default: the newest]
    pub(crate) number: Option<u32>,
}

/// Options of `key import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  COSIGN_PASSWORD=… temper key import cosign.key
  temper key import 'pkcs11:token=signing;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/pin'")]
pub(crate) struct KeyImport {
    /// A key file that cosign has made, or the address of a key in a token
    #[arg(value_name = "FILE|pkcs11:URI")]
    pub(crate) key: String,
}
