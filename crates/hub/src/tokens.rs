//! Access tokens of users and organizations: shown once, bounded, revoked.

use secrecy::SecretString;
use temper_store::records::{Micros, Token, TokenOwner};

use crate::caller::Caller;
use crate::check::Check;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name among those of its owner.
    pub name: String,
    /// Whether it changes anything: pushes, creates, edits.
    pub may_write: bool,
    /// Patterns of the repositories that it is for; all where empty.
    pub repositories: Vec<String>,
    /// When it ends; never where absent.
    pub expires_at: Option<Micros>,
}

impl Hub {
    /// Makes an access token of the caller, or of an organization whose owner the caller is, and returns it with what
    /// is shown once.
    pub async fn create_token(
        &self,
        caller: &Caller,
        organization: Option<&str>,
        new: NewToken,
    ) -> Result<(Token, SecretString), HubError> {
        let holder = self.holder(caller, organization, "making an access token").await?;
        let mut check = Check::default();
        check.name("name", &new.name);
        check.patterns("repositories", &new.repositories);
        let is_over = new.expires_at.is_some_and(|end| end <= self.now());
        check.note("expires_at", is_over.then(|| "is not in the future".to_owned()));
        check.end("the access token")?;
        let secret = self.secrets().generate()?;
        let token = Token {
            id: self.new_id(),
            owner: holder.owner.clone(),
            name: new.name,
            digest: secret.digest,
            may_write: new.may_write,
            repositories: new.repositories,
            created_by: caller.actor(),
            created_at: self.now(),
            expires_at: new.expires_at,
            used_at: None,
        };
        let subject = format!("{}/{}", holder.name, token.name);
        let event = self.event(caller, holder.organization_id(), "token.create", subject);
        if self.records().tokens().add(&token, event).await? {
            return Ok((token, secret.secret));
        }
        Err(HubError::Conflict {
            message: format!("`{}` has an access token `{}` already", holder.name, token.name),
            hint: Some("revoke it first, or choose another name".to_owned()),
        })
    }

    /// Lists the access tokens of the caller, or of an organization whose owner the caller is.
    pub async fn list_tokens(
        &self,
        caller: &Caller,
        organization: Option<&str>,
        page: &Page,
    ) -> Result<Vec<Token>, HubError> {
        let holder = self.holder(caller, organization, "listing access tokens").await?;
        Ok(self.records().tokens().list(&holder.owner, page.after(), page.limit).await?)
    }

    /// Ends an access token at once.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        organization: Option<&str>,
        name: &str,
    ) -> Result<(), HubError> {
        let holder = self.holder(caller, organization, "revoking an access token").await?;
        let missing = || HubError::NotFound { kind: "access token", name: name.to_owned() };
        let token = self.records().tokens().find_named(&holder.owner, name).await?.ok_or_else(missing)?;
        let subject = format!("{}/{name}", holder.name);
        let event = self.event(caller, holder.organization_id(), "token.revoke", subject);
        if self.records().tokens().remove(&token, event).await? { Ok(()) } else { Err(missing()) }
    }

    /// Returns whose tokens a caller looks after. No token makes others: it could outlive itself so.
    async fn holder(
        &self,
        caller: &Caller,
        organization: Option<&str>,
        action: &str,
    ) -> Result<Holder, HubError> {
        if let Some(organization) = organization {
            let owned = self.require_owner(caller, organization, action).await?;
            require_person(caller, action)?;
            return Ok(Holder { owner: TokenOwner::Organization(owned.id), name: owned.name });
        }
        match caller {
            Caller::Anonymous => Err(HubError::Unauthenticated),
            Caller::User { id, name, token: None, .. } => {
                Ok(Holder { owner: TokenOwner::User(id.clone()), name: name.clone() })
            }
            _ => Err(needs_person(action)),
        }
    }
}

/// Whose tokens they are.
struct Holder {
    owner: TokenOwner,
    name: String,
}

impl Holder {
    fn organization_id(&self) -> Option<&str> {
        match &self.owner {
            TokenOwner::Organization(id) => Some(id),
            TokenOwner::User(_) => None,
        }
    }
}

fn require_person(caller: &Caller, action: &str) -> Result<(), HubError> {
    if caller.scope().is_some() { Err(needs_person(action)) } else { Ok(()) }
}

fn needs_person(action: &str) -> HubError {
    HubError::Forbidden { action: action.to_owned(), needed: "a login with a password".to_owned() }
}
