//! The configuration file: one YAML document, every key optional, unknown keys refused.

mod server;
mod signing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use secrecy::SecretString;
use serde::Deserialize;

use crate::failure::Failure;

pub(crate) use server::ServerConfig;
pub(crate) use signing::SigningConfig;

/// What an operator sets. Environment variables and flags win over it.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// Addresses of package archives by name: `debian`, `debian-security`.
    /// Without an entry the address stands in the machine's own apt configuration.
    pub(crate) mirrors: BTreeMap<String, String>,
    /// Keyrings by name: files with OpenPGP certificates, binary or armored.
    /// The name `debian-archive` is known without an entry.
    pub(crate) keyrings: BTreeMap<String, PathBuf>,
    /// Registries that are spoken to without TLS, `HOST:PORT`. Loopback addresses always are.
    pub(crate) insecure_registries: Vec<String>,
    /// Files with certificates of authorities to trust beside the public ones, PEM.
    pub(crate) certificate_authorities: Vec<PathBuf>,
    /// The same for single registries, by `HOST:PORT`. Such a registry is spoken to by TLS, also on this machine.
    pub(crate) registry_certificate_authorities: BTreeMap<String, Vec<PathBuf>>,
    /// How long a verified package index is used before the archive is asked again, in seconds.
    pub(crate) index_max_age_seconds: Option<u64>,
    /// Where records are: `postgres://USER:PASSWORD@HOST/DATABASE`. Without an entry they are in the data folder.
    #[schemars(with = "Option<String>")]
    pub(crate) database: Option<SecretString>,
    /// Where the registry keeps blobs: `s3://BUCKET/PREFIX?endpoint=URL&region=REGION`.
    /// Without an entry they are in the data folder.
    pub(crate) storage: Option<String>,
    /// Who Temper is for the object store. Without an entry the variables of AWS say so, or the machine's role.
    pub(crate) storage_credentials: Option<StorageCredentials>,
    /// The keys that sign images.
    pub(crate) signing: SigningConfig,
    /// How the server meets its clients.
    pub(crate) server: ServerConfig,
}

/// An access key of an object store.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StorageCredentials {
    /// Id of the key.
    pub(crate) access_key_id: String,
    /// The key.
    #[schemars(with = "String")]
    pub(crate) secret_access_key: SecretString,
}

impl Config {
    /// Reads the named file, or the default one where it is there.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, anyhow::Error> {
        let default = default_file();
        let path = match (named, &default) {
            (Some(path), _) => path,
            (None, Some(path)) if path.exists() => path,
            _ => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("configuration file `{}` cannot be read", path.display()))
            .map_err(|error| {
                Failure::configuration(error).hint("name another one with `--config FILE`, or leave it out")
            })?;
        serde_saphyr::from_str(&text).map_err(|error| {
            // The first line says what is wrong and where; a picture of the place follows it.
            let error = error.to_string();
            let reason = error.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let error = anyhow!(reason).context(format!("configuration file `{}` is wrong", path.display()));
            Failure::configuration(error).hint("docs/reference/config.schema.json describes every key").into()
        })
    }
}

fn default_file() -> Option<PathBuf> {
    Some(folder()?.join("config.yaml"))
}

/// Returns Temper's place among the user's configuration.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
    Some(folder?.join("temper"))
}

/// Returns the folder for images, indexes and records: the named one, or Temper's place among the user's data.
pub(crate) fn data_dir(named: Option<&Path>) -> Result<PathBuf, anyhow::Error> {
    if let Some(named) = named {
        return Ok(named.to_path_buf());
    }
    let folder = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    folder.map(|folder| folder.join("temper")).ok_or_else(|| {
        Failure::configuration(anyhow::anyhow!("there is no folder for Temper's data: `HOME` is not set"))
            .hint("name one with `--data-dir DIR`")
            .into()
    })
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
