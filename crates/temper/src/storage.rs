//! Where the registry's blobs are: the data folder, or an object store.

use std::fmt;
use std::path::Path;

use secrecy::SecretString;
use temper_store::blobs::Durability;
use temper_store::storage::{Directory, ObjectLocation, Storage};

use crate::cli::Global;
use crate::config::Config;
use crate::embedded;
use crate::failure::Failure;

/// How the variables begin by which AWS's own tools are told who they are.
const AWS_PREFIX: &str = "AWS_";

/// The choice that options, environment and configuration make.
#[derive(Debug)]
pub(crate) enum StorageChoice {
    /// A folder of the data folder.
    DataFolder,
    /// A bucket, with what says who Temper is there.
    Objects(ObjectLocation, Vec<(String, SecretString)>),
}

impl StorageChoice {
    /// Reads the choice; nothing is opened yet.
    pub(crate) fn read(global: &Global, config: &Config) -> Result<Self, anyhow::Error> {
        let Some(text) = global.storage.as_ref().or(config.storage.as_ref()) else {
            return Ok(Self::DataFolder);
        };
        let location = text.parse::<ObjectLocation>().map_err(|error| {
            let hint = error.hint();
            Failure::configuration(error.into()).hint(hint)
        })?;
        let variables = std::env::vars().filter(|(name, _)| name.starts_with(AWS_PREFIX));
        let mut settings: Vec<_> = variables.map(|(name, value)| (name, SecretString::from(value))).collect();
        if let Some(credentials) = &config.storage_credentials {
            let id = SecretString::from(credentials.access_key_id.clone());
            settings.push(("AWS_ACCESS_KEY_ID".to_owned(), id));
            settings.push(("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_access_key.clone()));
        }
        Ok(Self::Objects(location, settings))
    }

    /// Tries once whether an object store can be used; a folder shows that when it is opened.
    pub(crate) async fn probe(&self) -> Result<(), anyhow::Error> {
        let Self::Objects(location, settings) = self else { return Ok(()) };
        let name = format!("probe-{}-{}", embedded::now(), std::process::id());
        let probed = location.probe(settings.iter().cloned(), &name).await;
        probed.map_err(|error| {
            let hint = error.hint();
            let error = anyhow::Error::new(error).context(format!("storage `{location}` cannot be used"));
            Failure::configuration(error).hint_if(hint).into()
        })
    }

    /// Opens the storage; `folder` is the registry's part of the data folder.
    pub(crate) fn open(&self, folder: &Path) -> Result<Storage, anyhow::Error> {
        match self {
            Self::DataFolder => {
                Ok(Storage::Directory(Directory::open(&folder.join("blobs"), Durability::Synced)?))
            }
            Self::Objects(location, settings) => Ok(location
                .connect(settings.iter().cloned())
                .map_err(|error| Failure::configuration(error.into()))?),
        }
    }
}

/// Names the place, without what may change while it stays the same.
impl fmt::Display for StorageChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataFolder => f.write_str("the data folder"),
            Self::Objects(location, _) => location.fmt(f),
        }
    }
}
