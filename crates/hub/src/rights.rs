//! Who may do what. Whoever may not know of a thing is told the same as if it were not there.

use temper_store::records::{Organization, Right, Role, Standing};

use crate::caller::{Caller, matches};
use crate::error::HubError;
use crate::hub::Hub;

/// Returns the organization of a repository: the first part of its name.
pub fn organization_of(repository: &str) -> &str {
    repository.split_once('/').map_or(repository, |(organization, _)| organization)
}

impl Hub {
    /// Returns the highest right of a caller in a repository, that of everybody included; nothing where they may not
    /// know whether it exists.
    ///
    /// The answer does not depend on whether it does.
    pub async fn right(&self, caller: &Caller, repository: &str) -> Result<Option<Right>, HubError> {
        let own = self.own_right(caller, repository).await?;
        if own.is_some() {
            return Ok(own);
        }
        let settings = self.records().repository_settings().find(repository).await?;
        Ok(settings.filter(|settings| settings.is_public).map(|_| Right::Read))
    }

    /// Returns the highest right that a caller has by belonging somewhere: what everybody may do is none of it.
    pub async fn own_right(&self, caller: &Caller, repository: &str) -> Result<Option<Right>, HubError> {
        let organization = organization_of(repository);
        let right = match caller {
            Caller::Anonymous => None,
            Caller::Organization { name, .. } => (name == organization).then_some(Right::Write),
            // What was pushed under a name that is no organization is the administrators' to look after.
            Caller::Program | Caller::User { is_admin: true, .. } => Some(Right::Admin),
            Caller::User { id, .. } => {
                let standing = self.records().organizations().standing(organization, Some(id)).await?;
                standing.and_then(|standing| right_of(&standing, repository))
            }
        };
        Ok(match caller.scope() {
            Some(scope) if !scope.is_for(repository) => None,
            Some(scope) if !scope.may_write => right.map(|right| right.min(Right::Read)),
            _ => right,
        })
    }

    /// Refuses a caller who may not read a repository, as if it were not there. `action` is a noun: `listing builds of
    /// acme/python`.
    pub async fn require_read(
        &self,
        caller: &Caller,
        repository: &str,
        action: &str,
    ) -> Result<(), HubError> {
        self.require_right(caller, repository, Right::Read, action).await
    }

    /// Refuses a caller who may not write into a repository.
    pub async fn require_write(
        &self,
        caller: &Caller,
        repository: &str,
        action: &str,
    ) -> Result<(), HubError> {
        self.require_right(caller, repository, Right::Write, action).await
    }

    /// Refuses a caller who has less than `needed` in a repository.
    pub async fn require_right(
        &self,
        caller: &Caller,
        repository: &str,
        needed: Right,
        action: &str,
    ) -> Result<(), HubError> {
        match self.right(caller, repository).await? {
            None => Err(hidden(caller, "repository", repository)),
            Some(right) if right >= needed => Ok(()),
            Some(_) => {
                Err(forbidden(action, format!("the right to {needed} repository `{repository}`"), caller))
            }
        }
    }

    /// Refuses a caller who may not create, edit or run customizations into a repository.
    ///
    /// A member of its organization may who may read it, or write where the organization asks for that. That
    /// everybody reads a public repository gives no such right. An access token needs the right to write.
    pub async fn require_customize(
        &self,
        caller: &Caller,
        repository: &str,
        action: &str,
    ) -> Result<(), HubError> {
        let organization = self.records().organizations().find(organization_of(repository)).await?;
        let needed = organization.map_or(Right::Write, |organization| organization.customization_right);
        let own = self.own_right(caller, repository).await?;
        if own.is_none() && self.right(caller, repository).await?.is_none() {
            return Err(hidden(caller, "repository", repository));
        }
        if own < Some(needed) {
            let needed = match needed {
                Right::Read => format!("a member of organization `{}`", organization_of(repository)),
                _ => format!("the right to {needed} repository `{repository}`"),
            };
            return Err(forbidden(action, needed, caller));
        }
        require_writing(caller, action)
    }

    /// Refuses a caller who is no owner of an organization, and returns it.
    pub async fn require_owner(
        &self,
        caller: &Caller,
        organization: &str,
        action: &str,
    ) -> Result<Organization, HubError> {
        let owned = self.require_owner_reading(caller, organization, action).await?;
        require_writing(caller, action)?;
        Ok(owned)
    }

    /// Refuses a caller who is no owner of an organization, where nothing is changed.
    pub(crate) async fn require_owner_reading(
        &self,
        caller: &Caller,
        organization: &str,
        action: &str,
    ) -> Result<Organization, HubError> {
        let standing = self.known(caller, organization).await?;
        if !caller.is_admin() && standing.role != Some(Role::Owner) {
            return Err(forbidden(action, format!("an owner of organization `{organization}`"), caller));
        }
        require_whole(caller, action)?;
        Ok(standing.organization)
    }

    /// Refuses a caller who does not belong to an organization, as if it were not there, and returns it.
    pub async fn require_member(
        &self,
        caller: &Caller,
        organization: &str,
    ) -> Result<Organization, HubError> {
        Ok(self.known(caller, organization).await?.organization)
    }

    /// Refuses a caller who does not look after the whole server.
    pub fn require_admin(&self, caller: &Caller, action: &str) -> Result<(), HubError> {
        match caller {
            Caller::Anonymous => return Err(HubError::Unauthenticated),
            _ if !caller.is_admin() => {
                return Err(forbidden(action, "an administrator of the server".to_owned(), caller));
            }
            _ => {}
        }
        require_writing(caller, action)?;
        require_whole(caller, action)
    }

    /// Returns what an organization knows of a caller who may know of it.
    pub(crate) async fn known(&self, caller: &Caller, organization: &str) -> Result<Standing, HubError> {
        let standing = self.records().organizations().standing(organization, caller.user_id()).await?;
        let is_known = |standing: &Standing| match caller {
            Caller::Anonymous => false,
            Caller::Program | Caller::User { is_admin: true, .. } => true,
            Caller::User { .. } => standing.role.is_some(),
            Caller::Organization { id, .. } => *id == standing.organization.id,
        };
        standing.filter(is_known).ok_or_else(|| hidden(caller, "organization", organization))
    }
}

/// Returns the right of somebody in a repository of an organization.
pub(crate) fn right_of(standing: &Standing, repository: &str) -> Option<Right> {
    match standing.role? {
        Role::Owner => Some(Right::Admin),
        Role::Member => {
            let teams = standing.team_rights.iter().filter(|(pattern, _)| matches(pattern, repository));
            standing.organization.member_right.max(teams.map(|(_, right)| *right).max())
        }
    }
}

/// Tells of a thing that a caller may not know of: the same as of one that is not there.
pub(crate) fn hidden(caller: &Caller, kind: &'static str, name: &str) -> HubError {
    match caller {
        Caller::Anonymous => HubError::Unauthenticated,
        _ => HubError::NotFound { kind, name: name.to_owned() },
    }
}

/// Refuses an access token that is for reading.
pub(crate) fn require_writing(caller: &Caller, action: &str) -> Result<(), HubError> {
    if caller.may_write() {
        return Ok(());
    }
    Err(HubError::Forbidden {
        action: action.to_owned(),
        needed: "an access token that may write".to_owned(),
    })
}

/// Refuses an access token that is for some repositories alone.
pub(crate) fn require_whole(caller: &Caller, action: &str) -> Result<(), HubError> {
    match caller.scope() {
        Some(scope) if !scope.is_for_all() => Err(HubError::Forbidden {
            action: action.to_owned(),
            needed: "an access token for all repositories".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn forbidden(action: &str, needed: String, caller: &Caller) -> HubError {
    if matches!(caller, Caller::Anonymous) {
        return HubError::Unauthenticated;
    }
    HubError::Forbidden { action: action.to_owned(), needed }
}
