//! What `temper login` keeps: who is logged in to which server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::failure::Failure;
use crate::{atomic_file, config, workspace};

/// The file beside the configuration.
const FILE: &str = "client.yaml";

/// Everything that is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logins {
    /// The server of the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// Logins by server.
    #[serde(default)]
    logins: BTreeMap<String, Login>,
}

/// A login to one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// Who is logged in.
    pub(crate) user: String,
    /// A session or an access token.
    #[serde(serialize_with = "exposed")]
    pub(crate) token: SecretString,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl Logins {
    /// Reads the file; nothing is kept where it is not there.
    pub(crate) fn read() -> Result<Self, anyhow::Error> {
        // Who keeps nothing has nothing to read.
        let Ok(path) = path() else { return Ok(Self::default()) };
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("logins `{}` cannot be read", path.display())),
        };
        serde_saphyr::from_str(&text.map_err(Failure::configuration)?).map_err(|_| {
            // What the reader says of the file could have a token in it.
            Failure::configuration(anyhow!("logins `{}` are not what `temper login` writes", path.display()))
                .hint("remove the file, and log in again")
                .into()
        })
    }

    /// Returns the server of the last login.
    pub(crate) fn current(&self) -> Option<Url> {
        self.server.as_ref()?.parse().ok()
    }

    /// Returns the login to a server.
    pub(crate) fn find(&self, server: &Url) -> Option<&Login> {
        self.logins.get(server.as_str())
    }

    /// Keeps a login, and makes its server the one that is meant where none is named.
    pub(crate) fn keep(mut self, server: &Url, login: Login) -> Result<PathBuf, anyhow::Error> {
        self.server = Some(server.to_string());
        self.logins.insert(server.to_string(), login);
        self.write()
    }

    /// Forgets a login.
    pub(crate) fn forget(mut self, server: &Url) -> Result<(), anyhow::Error> {
        self.logins.remove(server.as_str());
        if self.server.as_deref() == Some(server.as_str()) {
            self.server = None;
        }
        self.write().map(drop)
    }

    fn write(&self) -> Result<PathBuf, anyhow::Error> {
        let path = path()?;
        let text = serde_saphyr::to_string(self)?;
        let folder = path.parent().map_or(Ok(()), workspace::make_folder);
        folder
            .and_then(|()| atomic_file::write_private(&path, text.as_bytes()))
            .with_context(|| format!("logins `{}` cannot be written", path.display()))
            .map_err(Failure::configuration)?;
        Ok(path)
    }
}

fn path() -> Result<PathBuf, anyhow::Error> {
    config::folder().map(|folder| folder.join(FILE)).ok_or_else(|| {
        Failure::configuration(anyhow!("there is no folder for logins: `HOME` is not set"))
            .hint("give `--server` and `TEMPER_TOKEN`, and nothing is kept")
            .into()
    })
}
