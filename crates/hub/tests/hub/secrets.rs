//! Secrets of a hub whose tests log nobody in.

use secrecy::{ExposeSecret as _, SecretString};
use temper_compose::External;
use temper_hub::{CheckFuture, NewSecret, Secrets};

/// Keeps secrets as they are.
pub(crate) struct NoSecrets;

impl Secrets for NoSecrets {
    fn check<'a>(&'a self, password: &'a SecretString, hash: Option<&'a str>) -> CheckFuture<'a> {
        Box::pin(async move { Ok(Some(password.expose_secret()) == hash) })
    }

    fn hash(&self, password: &SecretString) -> String {
        password.expose_secret().to_owned()
    }

    fn generate(&self) -> Result<NewSecret, External> {
        Err(External { message: "there are no tokens here".to_owned(), hint: None, source: None })
    }

    fn digest(&self, _: &SecretString) -> Option<String> {
        None
    }
}
