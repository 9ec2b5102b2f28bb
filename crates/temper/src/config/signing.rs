//! How images are signed, and what is kept beside them.

use std::path::PathBuf;

use serde::Deserialize;

/// The keys that sign images, and are made here.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct SigningConfig {
    /// Folder of the keys. Without an entry it is `keys` in the data folder.
    pub(crate) keys_dir: Option<PathBuf>,
    /// File whose first line is the password that encrypts the keys of the data folder. `TEMPER_KEY_PASSWORD` and
    /// `TEMPER_KEY_PASSWORD_FILE` win over it. Without any a password is made and kept beside the keys.
    pub(crate) key_password_file: Option<PathBuf>,
    /// Whether everything that an image was built from is kept beside it, as with `--keep-inputs`. Without it inputs are
    /// kept in the data folder alone.
    pub(crate) keep_inputs: bool,
}
