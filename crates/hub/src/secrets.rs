//! What the hub asks of whoever hashes passwords and makes access tokens.

use std::pin::Pin;

use secrecy::SecretString;
use temper_compose::External;

/// A secret that was just made, with what is kept of it.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Shown once.
    pub secret: SecretString,
    /// Kept.
    pub digest: String,
}

/// Why a password was not checked.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// So many log in at once that this one must come again.
    #[error("too many log in at once")]
    Busy,
    /// The check itself failed.
    #[error(transparent)]
    Failed(External),
}

/// What [`Secrets::check`] returns.
pub type CheckFuture<'a> = Pin<Box<dyn Future<Output = Result<bool, SecretsError>> + Send + 'a>>;

/// Hashes passwords, and makes what programs log in with.
pub trait Secrets: Send + Sync {
    /// Says whether a password is the one of a hash; without a hash it is not, after the same time.
    fn check<'a>(&'a self, password: &'a SecretString, hash: Option<&'a str>) -> CheckFuture<'a>;

    /// Hashes a password; takes tens of milliseconds, so call it where that is allowed.
    fn hash(&self, password: &SecretString) -> String;

    /// Makes a new secret for a token or a session.
    fn generate(&self) -> Result<NewSecret, External>;

    /// Returns what is kept of a text that looks like such a secret; passwords do not.
    fn digest(&self, secret: &SecretString) -> Option<String>;
}
