//! Credentials for registries, from the files that Docker's and Podman's `login` write.
//!
//! Which files is the caller's choice. Where such a file names a credential helper, the helper is started by the
//! crate `docker_credential`: the only process that Temper ever causes, chosen by the operator, outside any build.

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use docker_credential::CredentialRetrievalError;
use secrecy::SecretString;
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::{Instant, timeout};

/// How long a credential helper may take.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer is used before files and helpers are asked again: some helpers give passwords that end.
const ANSWER_AGE_MAX: Duration = Duration::from_mins(5);

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
    /// A token that the registry itself takes as it is.
    RegistryToken(SecretString),
}

impl Credential {
    /// Returns the user's name, as far as it is known.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Password { user, .. } => Some(user),
            Self::IdentityToken(_) | Self::RegistryToken(_) => None,
        }
    }
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
    /// A file is not JSON of the expected form.
    #[error("credential file `{path}` is not written as `docker login` writes it")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
    /// An entry cannot be decoded.
    #[error("credential of `{key}` in `{path}` is not base64 of `USER:PASSWORD`")]
    Entry {
        /// The entry.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// The helper that a file names gives no usable answer.
    #[error(
        "credential helper `docker-credential-{helper}`, which `{path}` names, gives no answer for `{registry}`"
    )]
    Helper {
        /// Its name, as in the file.
        helper: String,
        /// The registry.
        registry: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<CredentialRetrievalError>,
    },
    /// A helper hangs.
    #[error("credential helper for `{registry}` did not answer within {} seconds", HELPER_TIMEOUT.as_secs())]
    Timeout {
        /// The registry.
        registry: String,
    },
    /// Nobody is there to look into the files.
    #[error("no thread can be started to look for a credential")]
    Thread(#[source] std::io::Error),
}

impl CredentialsError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { path, .. } | Self::Syntax { path, .. } => {
                Some(format!("make `{}` readable, or remove it", path.display()))
            }
            Self::Helper { source, helper, .. }
                if **source == CredentialRetrievalError::HelperCommunicationError =>
            {
                Some(format!("install `docker-credential-{helper}` where `PATH` finds it"))
            }
            Self::Entry { key: registry, .. }
            | Self::Helper { registry, .. }
            | Self::Timeout { registry } => {
                Some(format!("log in again with `docker login {registry}` or `podman login {registry}`"))
            }
            Self::Thread(_) => None,
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
    /// By registry.
    found: Arc<Mutex<BTreeMap<String, Arc<AsyncMutex<Answers>>>>>,
}

/// What was found for a registry, by repository. Locked while files and the helper are asked, so that many requests
/// at once ask once, and a helper that hangs is in the way of its own registry only.
type Answers = BTreeMap<String, Found>;

#[derive(Clone, Debug)]
struct Found {
    credential: Option<Credential>,
    end: Instant,
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

    /// Finds the credential for a repository of a registry; helpers may take a while.
    ///
    /// Podman's files may have entries for a part of a registry, `quay.io/acme`: the longest that fits wins.
    pub async fn find(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialsError> {
        if let Some(credential) = self.fixed.get(registry) {
            return Ok(Some(credential.clone()));
        }
        if self.files.is_empty() {
            return Ok(None);
        }
        let (name, files) = ((registry.to_owned(), repository.to_owned()), Arc::clone(&self.files));
        self.ask(registry, repository, HELPER_TIMEOUT, move || file::search(&files, &name.0, &name.1)).await
    }

    /// Returns what was found lately, else does the search and keeps what it finds.
    async fn ask(
        &self,
        registry: &str,
        repository: &str,
        patience: Duration,
        search: impl FnOnce() -> Result<Option<Credential>, CredentialsError> + Send + 'static,
    ) -> Result<Option<Credential>, CredentialsError> {
        let answers = self.answers(registry);
        let late = |_| CredentialsError::Timeout { registry: registry.to_owned() };
        let mut answers = timeout(patience, answers.lock_owned()).await.map_err(late)?;
        let now = Instant::now();
        answers.retain(|_, found| now < found.end);
        if let Some(found) = answers.get(repository) {
            return Ok(found.credential.clone());
        }
        let (name, end) = (repository.to_owned(), now + ANSWER_AGE_MAX);
        let (sender, receiver) = oneshot::channel();
        // Not a thread of the runtime, whose end would wait for a helper that hangs.
        let started = thread::Builder::new().name("credentials".to_owned()).spawn(move || {
            let found = search();
            if let Ok(credential) = &found {
                answers.insert(name, Found { credential: credential.clone(), end });
            }
            drop(answers);
            // Whoever asked may have gone.
            let _ = sender.send(found);
        });
        started.map_err(CredentialsError::Thread)?;
        match timeout(patience, receiver).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(_) => Err(CredentialsError::Timeout { registry: registry.to_owned() }),
        }
    }

    fn answers(&self, registry: &str) -> Arc<AsyncMutex<Answers>> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(found.entry(registry.to_owned()).or_default())
    }
}

/// Reads a file in all the ways in which it is read; helpers are not started.
#[cfg(fuzzing)]
pub(crate) fn read_file(bytes: &[u8]) {
    file::read_all(bytes);
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn describe(credential: Option<Credential>) -> String {
        match credential {
            Some(Credential::Password { user, password }) => format!("{user}/{}", password.expose_secret()),
            Some(Credential::IdentityToken(token)) => format!("identity/{}", token.expose_secret()),
            Some(Credential::RegistryToken(token)) => format!("registry/{}", token.expose_secret()),
            None => "none".to_owned(),
        }
    }

    #[tokio::test]
    async fn files_are_asked_in_order() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let (first, second) = (folder.path().join("config.json"), folder.path().join("auth.json"));
        // The values are `user:pass`, `hub:pass`, and `user:` beside a token.
        let text = r#"{"auths": {"registry.example:5000": {"auth": "dXNlcjpwYXNz"},
            "https://index.docker.io/v1/": {"auth": "aHViOnBhc3M"},
            "token.example": {"auth": "dXNlcjo=", "identitytoken": "refresh"},
            "plain.example": {"username": "plain", "password": "pass"},
            "bearer.example": {"registrytoken": "bearer"},
            "empty.example": {}}, "HttpHeaders": {"X": "y"}}"#;
        std::fs::write(&first, text).expect("writes");
        let text = r#"{"auths": {"registry.example:5000": {"auth": "aHViOnBhc3M="},
            "second.example": {"auth": "dXNlcjpwYXNz"},
            "second.example/acme": {"auth": "aHViOnBhc3M="},
            "empty.example": {"auth": "dXNlcjpwYXNz"}}}"#;
        std::fs::write(&second, text).expect("writes");
        let missing = folder.path().join("missing.json");
        let given = Credential::Password { user: "given".to_owned(), password: "secret".into() };
        let credentials = Credentials::from_files(vec![missing, first, second]).with("fixed.example", given);
        for (registry, repository, expected) in [
            ("registry.example:5000", "a", "user/pass"),
            ("docker.io", "library/python", "hub/pass"),
            ("token.example", "a", "identity/refresh"),
            ("plain.example", "a", "plain/pass"),
            ("bearer.example", "a", "registry/bearer"),
            ("second.example", "a", "user/pass"),
            ("second.example", "acme/app", "hub/pass"),
            ("second.example", "acmes", "user/pass"),
            ("empty.example", "a", "user/pass"),
            ("fixed.example", "a", "given/secret"),
            ("other.example", "a", "none"),
        ] {
            let found = credentials.find(registry, repository).await.expect(registry);
            assert_eq!(describe(found), expected, "{registry}/{repository}");
        }
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("pass\"") && !shown.contains("refresh"), "{shown}");
    }

    #[tokio::test]
    async fn answers_are_asked_for_again_after_a_while() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("config.json");
        let credentials = Credentials::from_files(vec![path.clone()]);
        assert_eq!(describe(credentials.find("a.example", "a").await.expect("reads")), "none");
        std::fs::write(&path, r#"{"auths": {"a.example": {"auth": "dXNlcjpwYXNz"}}}"#).expect("writes");
        assert_eq!(describe(credentials.find("a.example", "a").await.expect("reads")), "none");
        tokio::time::pause();
        tokio::time::advance(ANSWER_AGE_MAX).await;
        tokio::time::resume();
        assert_eq!(describe(credentials.find("a.example", "a").await.expect("reads")), "user/pass");
    }

    #[tokio::test]
    async fn a_helper_that_hangs_is_in_the_way_of_its_own_registry_only() {
        let credentials = Credentials::anonymous();
        let credential = || Ok(Some(Credential::IdentityToken("refresh".into())));
        let (answer, may_answer) = std::sync::mpsc::channel::<()>();
        let hanging = move || {
            may_answer.recv().expect("is sent");
            credential()
        };
        let soon = Duration::from_millis(1);
        let late = credentials.ask("hangs.example", "a", soon, hanging).await.expect_err("hangs");
        assert!(matches!(&late, CredentialsError::Timeout { registry } if registry == "hangs.example"));
        let second = credentials.ask("hangs.example", "b", soon, || panic!("is not asked beside the first"));
        assert!(matches!(second.await, Err(CredentialsError::Timeout { .. })));
        let other = credentials.ask("other.example", "a", HELPER_TIMEOUT, credential).await;
        assert_eq!(describe(other.expect("finds")), "identity/refresh");
        answer.send(()).expect("is awaited");
        let kept = credentials.ask("hangs.example", "a", HELPER_TIMEOUT, || panic!("has been answered"));
        assert_eq!(describe(kept.await.expect("is kept")), "identity/refresh");
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("config.json");
        for (text, message, hint) in [
            ("{", "config.json` is not written as `docker login` writes it", "or remove it"),
            (
                r#"{"auths": {"a.example": {"auth": "?"}}}"#,
                "credential of `a.example` in",
                "docker login a.example",
            ),
            (
                r#"{"auths": {"a.example": {"auth": "dXNlcg=="}}}"#,
                "is not base64 of `USER:PASSWORD`",
                "again",
            ),
            (
                r#"{"credHelpers": {"a.example": "none-of-this-name"}}"#,
                "credential helper `docker-credential-none-of-this-name`",
                "install `docker-credential-none-of-this-name`",
            ),
            (r#"{"credHelpers": {"a.example": "../x"}}"#, "gives no answer for `a.example`", "install"),
        ] {
            std::fs::write(&path, text).expect("writes");
            let credentials = Credentials::from_files(vec![path.clone()]);
            let error = credentials.find("a.example", "a").await.expect_err("is refused");
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.hint().expect("has a hint").contains(hint), "{error:?}");
            if text.contains("credHelpers") {
                assert!(credentials.find("b.example", "a").await.expect("reads").is_none());
            }
        }
    }
}
