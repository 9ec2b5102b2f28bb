//! Teams: members who have rights in common.

use temper_store::records::{Organization, Right, Team};

use crate::caller::Caller;
use crate::check::Check;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;
use crate::rights::organization_of;

/// A team with everything that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamDetails {
    /// The team.
    pub team: Team,
    /// Who is in it, by name.
    pub members: Vec<String>,
    /// What it may do, by repository or pattern.
    pub rights: Vec<(String, Right)>,
}

impl Hub {
    /// Adds a team to an organization; owners may.
    pub async fn create_team(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
    ) -> Result<Team, HubError> {
        let organization = self.require_owner(caller, organization, "adding a team").await?;
        let mut check = Check::default();
        check.name("name", name);
        check.end("the team")?;
        let team = Team {
            id: self.new_id(),
            organization_id: organization.id.clone(),
            name: name.to_owned(),
            created_at: self.now(),
        };
        let event = self.event(caller, Some(&organization.id), "team.create", subject(&organization, name));
        if self.records().teams().add(&team, event).await? {
            return Ok(team);
        }
        Err(HubError::Conflict {
            message: format!("organization `{}` has a team `{name}` already", organization.name),
            hint: None,
        })
    }

    /// Lists the teams of an organization by name; whoever belongs to it may.
    pub async fn list_teams(
        &self,
        caller: &Caller,
        organization: &str,
        page: &Page,
    ) -> Result<Vec<Team>, HubError> {
        let organization = self.require_member(caller, organization).await?;
        Ok(self.records().teams().list(&organization.id, page.after(), page.limit).await?)
    }

    /// Returns a team with members and rights; whoever belongs to the organization may.
    pub async fn get_team(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
    ) -> Result<TeamDetails, HubError> {
        let organization = self.require_member(caller, organization).await?;
        let team = self.team(&organization, name).await?;
        let teams = self.records().teams();
        let (members, rights) = (teams.members(&team.id).await?, teams.rights(&team.id).await?);
        Ok(TeamDetails { team, members, rights })
    }

    /// Removes a team with its rights; owners may.
    pub async fn remove_team(&self, caller: &Caller, organization: &str, name: &str) -> Result<(), HubError> {
        let (organization, team) = self.owned_team(caller, organization, name, "removing a team").await?;
        let event = self.event(caller, Some(&organization.id), "team.delete", subject(&organization, name));
        if self.records().teams().remove(&team, event).await? { Ok(()) } else { Err(missing(name)) }
    }

    /// Puts a member of the organization into a team; owners may.
    pub async fn add_team_member(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
        user: &str,
    ) -> Result<(), HubError> {
        let (organization, team) = self.owned_team(caller, organization, name, "changing a team").await?;
        let outside = || HubError::Conflict {
            message: format!("`{user}` does not belong to organization `{}`", organization.name),
            hint: Some(format!("`temper org member add {} {user}` adds them", organization.name)),
        };
        let found = self.records().people().find(user).await?.ok_or_else(outside)?;
        let event = self.event(
            caller,
            Some(&organization.id),
            "team.member.add",
            format!("{}/{user}", subject(&organization, name)),
        );
        if self.records().teams().add_member(&team, &found.id, event).await? {
            Ok(())
        } else {
            Err(outside())
        }
    }

    /// Takes a user out of a team; owners may.
    pub async fn remove_team_member(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
        user: &str,
    ) -> Result<(), HubError> {
        let (organization, team) = self.owned_team(caller, organization, name, "changing a team").await?;
        let missing = || HubError::NotFound { kind: "member", name: user.to_owned() };
        let found = self.records().people().find(user).await?.ok_or_else(missing)?;
        let event = self.event(
            caller,
            Some(&organization.id),
            "team.member.remove",
            format!("{}/{user}", subject(&organization, name)),
        );
        let removed = self.records().teams().remove_member(&team, &found.id, event).await?;
        if removed { Ok(()) } else { Err(missing()) }
    }

    /// Says what a team may do in a repository of its organization, or in all that match a pattern; nothing takes the
    /// right away. Owners may.
    pub async fn set_team_right(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
        repository: &str,
        right: Option<Right>,
    ) -> Result<(), HubError> {
        let (organization, team) = self.owned_team(caller, organization, name, "changing a team").await?;
        let mut check = Check::default();
        check.patterns("repository", &[repository.to_owned()]);
        let is_foreign = organization_of(repository) != organization.name || !repository.contains('/');
        check.note(
            "repository",
            is_foreign.then(|| format!("`{repository}` does not begin with `{}/`", organization.name)),
        );
        check.end("the right")?;
        let subject = format!("{} {repository}", subject(&organization, name));
        let event = self.event(caller, Some(&organization.id), "team.right.set", subject);
        Ok(self.records().teams().set_right(&team, repository, right, event).await?)
    }

    async fn owned_team(
        &self,
        caller: &Caller,
        organization: &str,
        name: &str,
        action: &str,
    ) -> Result<(Organization, Team), HubError> {
        let organization = self.require_owner(caller, organization, action).await?;
        let team = self.team(&organization, name).await?;
        Ok((organization, team))
    }

    async fn team(&self, organization: &Organization, name: &str) -> Result<Team, HubError> {
        self.records().teams().find(&organization.id, name).await?.ok_or_else(|| missing(name))
    }
}

fn subject(organization: &Organization, team: &str) -> String {
    format!("{}/{team}", organization.name)
}

fn missing(name: &str) -> HubError {
    HubError::NotFound { kind: "team", name: name.to_owned() }
}
