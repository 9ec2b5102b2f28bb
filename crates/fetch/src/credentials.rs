//! Credentials for registries, from the files that Docker's and Podman's `login` write.
//!
//! Which files is the caller's choice. Where such a file names a credential helper, the helper is started by the
//! crate `docker_credential`: the only process that Temper ever causes, chosen by the operator, outside any build.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Longest credential file in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How long a credential helper may take.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);

/// The name under which Docker's own registry stands in credential files.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// What proves who we are to one registry.
#[derive(Clone, Debug)]
pub enum Credential {
    /// User name and password, or access token in its place.
    Password {
        /// User name.
        user: String,
        /// Password.
        password: SecretString,
    },
    /// A refresh token, from which a token server makes access tokens.
    IdentityToken(SecretString),
}

/// Why a credential cannot be had although one is configured.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file is there and cannot be used.
    #[error("credential file `{path}` cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file, or the helper that it names, gives no usable answer.
    #[error("credentials of `{registry}` cannot be read from `{path}` or the helper that it names")]
    Retrieval {
        /// The registry.
        registry: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: CredentialRetrievalError,
    },
    /// A helper hangs.
    #[error("credential helper for `{registry}` did not answer within {} seconds", HELPER_TIMEOUT.as_secs())]
    Timeout {
        /// The registry.
        registry: String,
    },
}

impl CredentialsError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { path, .. } => Some(format!("make `{}` readable, or remove it", path.display())),
            Self::Retrieval { registry, .. } | Self::Timeout { registry } => {
                Some(format!("log in again with `docker login {registry}` or `podman login {registry}`"))
            }
        }
    }
}

/// Where credentials come from; clones share what was found.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Given outright, by registry host with port.
    fixed: Arc<BTreeMap<String, Credential>>,
    /// Files to look into, the first that knows the registry wins.
    files: Arc<[PathBuf]>,
    found: Arc<Mutex<BTreeMap<String, Option<Credential>>>>,
}

impl Credentials {
    /// Returns credentials that know nobody.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Returns credentials from `config.json` and `auth.json` files; those that do not exist are passed over.
    pub fn from_files(files: Vec<PathBuf>) -> Self {
        Self { files: files.into(), ..Self::default() }
    }

    /// Adds the credential of one registry; it goes before those of files.
    #[must_use]
    pub fn with(mut self, registry: &str, credential: Credential) -> Self {
        Arc::make_mut(&mut self.fixed).insert(registry.to_owned(), credential);
        self
    }

    /// Finds the credential of a registry, once; helpers may take a while.
    pub async fn find(&self, registry: &str) -> Result<Option<Credential>, CredentialsError> {
        if let Some(credential) = self.fixed.get(registry) {
            return Ok(Some(credential.clone()));
        }
        let mut found = self.found.lock().await;
        if let Some(credential) = found.get(registry) {
            return Ok(credential.clone());
        }
        let (name, files) = (registry.to_owned(), Arc::clone(&self.files));
        let search = spawn_blocking(move || search(&files, &name));
        let credential = match timeout(HELPER_TIMEOUT, search).await {
            Ok(Ok(credential)) => credential?,
            Ok(Err(_)) | Err(_) => return Err(CredentialsError::Timeout { registry: registry.to_owned() }),
        };
        found.insert(registry.to_owned(), credential.clone());
        Ok(credential)
    }
}

fn search(files: &[PathBuf], registry: &str) -> Result<Option<Credential>, CredentialsError> {
    for path in files {
        let Some(bytes) = read(path)? else { continue };
        let keys = if registry == "docker.io" { vec![DOCKER_KEY, registry] } else { vec![registry] };
        for key in keys {
            match docker_credential::get_credential_from_reader(bytes.as_slice(), key) {
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    return Ok(Some(Credential::Password { user, password: password.into() }));
                }
                Ok(DockerCredential::IdentityToken(token)) => {
                    return Ok(Some(Credential::IdentityToken(token.into())));
                }
                Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                Err(error) if is_unknown_to_helper(&error) => {}
                Err(source) => {
                    let (registry, path) = (registry.to_owned(), path.clone());
                    return Err(CredentialsError::Retrieval { registry, path, source });
                }
            }
        }
    }
    Ok(None)
}

/// A store that was asked for a registry it does not hold says so in words that all helpers share.
fn is_unknown_to_helper(error: &CredentialRetrievalError) -> bool {
    matches!(error, CredentialRetrievalError::HelperFailure { stdout, stderr, .. }
        if stdout.contains("credentials not found") || stderr.contains("credentials not found"))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CredentialsError> {
    let failed = |source| CredentialsError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn describe(credential: Option<Credential>) -> String {
        match credential {
            Some(Credential::Password { user, password }) => format!("{user}/{}", password.expose_secret()),
            Some(Credential::IdentityToken(token)) => format!("token/{}", token.expose_secret()),
            None => "none".to_owned(),
        }
    }

    #[tokio::test]
    async fn files_are_asked_in_order() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let (first, second) = (folder.path().join("config.json"), folder.path().join("auth.json"));
        // The values are `user:pass` and `hub:pass`.
        let text = r#"{"auths": {"registry.example:5000": {"auth": "dXNlcjpwYXNz"},
            "https://index.docker.io/v1/": {"auth": "aHViOnBhc3M="},
            "token.example": {"auth": "dXNlcjo=", "identitytoken": "refresh"}}}"#;
        std::fs::write(&first, text).expect("writes");
        let text = r#"{"auths": {"registry.example:5000": {"auth": "aHViOnBhc3M="},
            "second.example": {"auth": "dXNlcjpwYXNz"}}}"#;
        std::fs::write(&second, text).expect("writes");
        let missing = folder.path().join("missing.json");
        let given = Credential::Password { user: "given".to_owned(), password: "secret".into() };
        let credentials = Credentials::from_files(vec![missing, first, second]).with("fixed.example", given);
        for (registry, expected) in [
            ("registry.example:5000", "user/pass"),
            ("docker.io", "hub/pass"),
            ("token.example", "token/refresh"),
            ("second.example", "user/pass"),
            ("fixed.example", "given/secret"),
            ("other.example", "none"),
        ] {
            let found = credentials.find(registry).await.expect(registry);
            assert_eq!(describe(found), expected, "{registry}");
        }
        assert!(!format!("{credentials:?}").contains("pass\""), "{credentials:?}");
    }

    #[tokio::test]
    async fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, "{").expect("writes");
        let error = Credentials::from_files(vec![path]).find("registry.example").await.expect_err("refused");
        assert!(error.to_string().contains("config.json"), "{error}");
        assert!(error.hint().expect("has a hint").contains("docker login registry.example"));
    }

    #[tokio::test]
    async fn a_helper_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, r#"{"credHelpers": {"a.example": "none-of-this-name"}}"#).expect("writes");
        let credentials = Credentials::from_files(vec![path]);
        let error = credentials.find("a.example").await.expect_err("refused");
        assert!(matches!(error, CredentialsError::Retrieval { .. }), "{error:?}");
        assert!(credentials.find("b.example").await.expect("reads").is_none());
    }
}
