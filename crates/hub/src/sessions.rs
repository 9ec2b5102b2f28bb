//! Logging in and out.

use secrecy::{ExposeSecret as _, SecretString};
use temper_store::records::{Micros, Session};

use crate::authentication::Unproven;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// Most bytes of what a client says of itself.
const CLIENT_BYTES_MAX: usize = 200;

/// A session that just began.
#[derive(Clone, Debug)]
pub struct Login {
    /// Shown once; whoever has it is logged in.
    pub secret: SecretString,
    /// Who is logged in.
    pub user: String,
    /// Until when.
    pub expires_at: Micros,
}

impl Login {
    /// How long a session holds.
    pub const LIFE_SECONDS: i64 = 30 * 24 * 3_600;
}

impl Hub {
    /// Begins a session for who proves themselves by name and password. `client` is what logs in, in its own words.
    ///
    /// An access token is no proof here: a session may do more than it.
    pub async fn log_in(
        &self,
        name: &str,
        password: &SecretString,
        client: &str,
    ) -> Result<Result<Login, Unproven>, HubError> {
        if self.secrets().digest(password).is_some() {
            return Ok(Err(Unproven::Password));
        }
        Ok(match self.authenticate(name, password).await? {
            Ok(found) => Ok(self.begin_session(&found.caller, client).await?),
            Err(why) => Err(why),
        })
    }

    /// Begins a session for a user who has proved themselves.
    pub(crate) async fn begin_session(&self, caller: &Caller, client: &str) -> Result<Login, HubError> {
        let Caller::User { id, name, token: None, .. } = caller else {
            return Err(HubError::Unauthenticated);
        };
        let new = self.secrets().generate()?;
        let client = client.chars().filter(|character| !character.is_control());
        let session = Session {
            digest: new.digest,
            user_id: id.clone(),
            client: client.take(CLIENT_BYTES_MAX).collect(),
            created_at: self.now(),
            expires_at: self.now() + Login::LIFE_SECONDS * 1_000_000,
        };
        self.records().sessions().add(&session).await?;
        Ok(Login { secret: new.secret, user: name.clone(), expires_at: session.expires_at })
    }

    /// Ends the session of a secret; one that is gone is no fault.
    pub async fn log_out(&self, secret: &SecretString) -> Result<(), HubError> {
        let Some(digest) = self.secrets().digest(secret).filter(|_| !secret.expose_secret().is_empty())
        else {
            return Ok(());
        };
        Ok(self.records().sessions().remove(&digest).await?)
    }
}
