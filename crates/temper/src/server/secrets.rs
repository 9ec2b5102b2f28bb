//! Passwords and access tokens of the hub, as the registry hashes and checks them.

use secrecy::SecretString;
use temper_compose::External;
use temper_hub::{CheckFuture, NewSecret, Secrets, SecretsError};
use temper_registry::{AccessError, AccessSecret, AccessSecretDigest, PasswordHash, Passwords};

/// The hub's passwords, checked few at a time.
pub(crate) struct ServedSecrets(pub(crate) Passwords);

impl Secrets for ServedSecrets {
    fn check<'a>(&'a self, password: &'a SecretString, hash: Option<&'a str>) -> CheckFuture<'a> {
        Box::pin(async move {
            // A hash that this version cannot read is nobody's password.
            let hash: Option<PasswordHash> = hash.and_then(|hash| hash.parse().ok());
            self.0.check(password, hash.as_ref()).await.map_err(|error| match error {
                AccessError::Busy => SecretsError::Busy,
                AccessError::Failed(error) => {
                    SecretsError::Failed(External::new("a password cannot be checked", error))
                }
            })
        })
    }

    fn hash(&self, password: &SecretString) -> String {
        PasswordHash::of(password).as_str().to_owned()
    }

    fn generate(&self) -> Result<NewSecret, External> {
        let made =
            AccessSecret::generate().map_err(|error| External::new("nothing is random here", error))?;
        Ok(NewSecret { secret: made.expose().into(), digest: made.digest().to_string() })
    }

    fn digest(&self, secret: &SecretString) -> Option<String> {
        AccessSecretDigest::of(secret).map(|digest| digest.to_string())
    }
}
