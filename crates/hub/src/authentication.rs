//! Finding out who calls: by password, access token or session.

use secrecy::SecretString;
use temper_oci::Digest;
use temper_store::records::{Token, TokenOwner, User};

use crate::caller::{Caller, Scope};
use crate::error::HubError;
use crate::hub::Hub;

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who.
    pub caller: Caller,
    /// Text that changes when the password or token is replaced, see [`Hub::recognize`].
    pub stamp: String,
}

/// Why nobody is found; for the log alone, an answer tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// Nobody has this name.
    #[error("there is no such user")]
    User,
    /// The user has another password, or none.
    #[error("wrong password")]
    Password,
    /// There is no such access token, or it is somebody else's.
    #[error("unknown access token")]
    Token,
    /// The access token or session was right until it ended.
    #[error("access token has expired")]
    Expired,
    /// The user is disabled.
    #[error("user is disabled")]
    Disabled,
}

/// What finding out comes to.
type Found = Result<Result<Authenticated, Unproven>, HubError>;

impl Hub {
    /// Finds who proves itself by name and password or access token; organizations have no passwords. Takes as long for
    /// names that do not exist.
    pub async fn authenticate(&self, name: &str, secret: &SecretString) -> Found {
        if let Some(digest) = self.secrets().digest(secret) {
            let Some(token) = self.records().tokens().find(&digest).await? else {
                return Ok(Err(Unproven::Token));
            };
            return self.by_token(Some(name), &token).await;
        }
        let user = self.records().people().find(name).await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let is_right = self.secrets().check(secret, hash).await?;
        Ok(match (&user, hash) {
            (None, _) => Err(Unproven::User),
            (Some(user), Some(hash)) if is_right => enabled(user, stamp(hash), None),
            (Some(_), _) => Err(Unproven::Password),
        })
    }

    /// Finds who shows an access token or a session.
    pub async fn authenticate_bearer(&self, secret: &SecretString) -> Found {
        let Some(digest) = self.secrets().digest(secret) else { return Ok(Err(Unproven::Token)) };
        if let Some(token) = self.records().tokens().find(&digest).await? {
            return self.by_token(None, &token).await;
        }
        let Some(session) = self.records().sessions().find(&digest).await? else {
            return Ok(Err(Unproven::Token));
        };
        if session.expires_at <= self.now() {
            return Ok(Err(Unproven::Expired));
        }
        let user = self.records().people().find_by_id(&session.user_id).await?;
        Ok(user.map_or(Err(Unproven::User), |user| enabled(&user, stamp(&digest), None)))
    }

    /// Finds again who proved itself before, by name of user or organization and of the access token, where the proof
    /// still holds.
    pub async fn recognize(
        &self,
        name: &str,
        token: Option<&str>,
        known_stamp: &str,
    ) -> Result<Option<Caller>, HubError> {
        let user = self.records().people().find(name).await?;
        let found = match (user, token) {
            (Some(user), None) => {
                let hash = user.password_hash.as_deref();
                hash.map_or(Err(Unproven::Password), |hash| enabled(&user, stamp(hash), None))
            }
            (None, None) => Err(Unproven::User),
            (user, Some(token)) => {
                let owner = if let Some(user) = user {
                    Some(TokenOwner::User(user.id))
                } else {
                    let organization = self.records().organizations().find(name).await?;
                    organization.map(|organization| TokenOwner::Organization(organization.id))
                };
                let Some(owner) = owner else { return Ok(None) };
                match self.records().tokens().find_named(&owner, token).await? {
                    Some(token) => self.by_token(Some(name), &token).await?,
                    None => Err(Unproven::Token),
                }
            }
        };
        Ok(found.ok().filter(|found| found.stamp == known_stamp).map(|found| found.caller))
    }

    /// Finds whose token it is; `name` is who the owner is said to be.
    async fn by_token(&self, name: Option<&str>, token: &Token) -> Found {
        let is_named = |owner: &str| name.is_none_or(|name| name == owner);
        let scope = Scope {
            name: token.name.clone(),
            may_write: token.may_write,
            repositories: token.repositories.clone(),
        };
        let stamp = stamp(&token.digest);
        let found = match &token.owner {
            TokenOwner::User(id) => {
                let user = self.records().people().find_by_id(id).await?.filter(|user| is_named(&user.name));
                user.map_or(Err(Unproven::Token), |user| enabled(&user, stamp, Some(scope)))
            }
            TokenOwner::Organization(id) => {
                let organization = self.records().organizations().find_by_id(id).await?;
                let organization = organization.filter(|organization| is_named(&organization.name));
                organization.ok_or(Unproven::Token).map(|organization| {
                    let caller = Caller::Organization { id: organization.id, name: organization.name, scope };
                    Authenticated { caller, stamp }
                })
            }
        };
        if found.is_ok() && !token.is_current(self.now()) {
            return Ok(Err(Unproven::Expired));
        }
        if found.is_ok() {
            self.records().tokens().note_use(token, self.now()).await?;
        }
        Ok(found)
    }
}

fn enabled(user: &User, stamp: String, token: Option<Scope>) -> Result<Authenticated, Unproven> {
    if user.disabled_at.is_some() {
        return Err(Unproven::Disabled);
    }
    let caller =
        Caller::User { id: user.id.clone(), name: user.name.clone(), is_admin: user.is_admin, token };
    Ok(Authenticated { caller, stamp })
}

/// Returns what changes when the kept hash does, and tells nothing of it.
fn stamp(hash: &str) -> String {
    Digest::of(format!("temper stamp {hash}")).to_string()
}
