//! Organizations: making, changing and removing them, and who belongs to them.

use temper_store::records::{Changed, Member, Organization, Right, Role, User};

use crate::caller::Caller;
use crate::check::Check;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;
use crate::people::taken;
use crate::rights::hidden;

/// An organization that is to be made.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// The first part of its repositories' names.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The user who owns it first; the caller where absent.
    pub owner: Option<String>,
}

/// What becomes of an organization; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct OrganizationEdit {
    /// What it is.
    pub description: Option<String>,
    /// What every member may do in every repository; nothing inside where teams say it.
    pub member_right: Option<Option<Right>>,
    /// What a member needs in a repository to create customizations into it: read or write.
    pub customization_right: Option<Right>,
    /// Most bytes of all repositories; nothing inside is no bound.
    pub quota_bytes: Option<Option<u64>>,
}

impl Hub {
    /// Makes an organization; administrators may.
    pub async fn create_organization(
        &self,
        caller: &Caller,
        new: NewOrganization,
    ) -> Result<Organization, HubError> {
        self.require_admin(caller, "making an organization")?;
        let mut check = Check::default();
        check.name("name", &new.name);
        check.description("description", &new.description);
        check.end("the organization")?;
        let owner = match (&new.owner, caller) {
            (Some(name), _) => self.user(name).await?.id,
            (None, Caller::User { id, .. }) => id.clone(),
            (None, _) => return Err(HubError::Unauthenticated),
        };
        let organization = Organization {
            id: self.new_id(),
            name: new.name,
            description: new.description,
            member_right: Some(Right::Read),
            customization_right: Right::Read,
            quota_bytes: None,
            version: 1,
            created_at: self.now(),
        };
        let event = self.event(caller, Some(&organization.id), "organization.create", &organization.name);
        let added = self.records().organizations().add(&organization, &owner, event).await?;
        if added { Ok(organization) } else { Err(taken(&organization.name)) }
    }

    /// Lists the organizations that a caller belongs to, by name; of an administrator, all.
    pub async fn list_organizations(
        &self,
        caller: &Caller,
        page: &Page,
    ) -> Result<Vec<Organization>, HubError> {
        let organizations = self.records().organizations();
        match caller {
            Caller::Anonymous => Err(HubError::Unauthenticated),
            Caller::Organization { name, .. } => {
                let is_behind = page.after().is_none_or(|after| after < name.as_str());
                Ok(organizations.find(name).await?.filter(|_| is_behind).into_iter().collect())
            }
            _ => {
                let user = caller.user_id().filter(|_| !caller.is_admin());
                Ok(organizations.list(user, page.after(), page.limit).await?)
            }
        }
    }

    /// Returns an organization; whoever belongs to it may.
    pub async fn get_organization(&self, caller: &Caller, name: &str) -> Result<Organization, HubError> {
        self.require_member(caller, name).await
    }

    /// Changes an organization that is still in the version `expected`, if one is given; owners may.
    pub async fn edit_organization(
        &self,
        caller: &Caller,
        name: &str,
        edit: OrganizationEdit,
        expected: Option<i64>,
    ) -> Result<Organization, HubError> {
        let old = self.require_owner(caller, name, &format!("changing organization `{name}`")).await?;
        let mut check = Check::default();
        check.description("description", edit.description.as_deref().unwrap_or_default());
        let is_admin = edit.customization_right == Some(Right::Admin);
        check.note("customization_right", is_admin.then(|| "is neither `read` nor `write`".to_owned()));
        let is_admin = edit.member_right == Some(Some(Right::Admin));
        check.note("member_right", is_admin.then(|| "is none of `none`, `read`, `write`".to_owned()));
        check.end("the organization")?;
        let new = Organization {
            description: edit.description.unwrap_or(old.description),
            member_right: edit.member_right.unwrap_or(old.member_right),
            customization_right: edit.customization_right.unwrap_or(old.customization_right),
            quota_bytes: edit.quota_bytes.unwrap_or(old.quota_bytes),
            version: expected.unwrap_or(old.version),
            ..old
        };
        let event = self.event(caller, Some(&new.id), "organization.edit", name);
        if !self.records().organizations().change(&new, event).await? {
            return Err(HubError::Stale { kind: "organization", name: name.to_owned() });
        }
        Ok(Organization { version: new.version + 1, ..new })
    }

    /// Removes an organization with members, teams and access tokens; owners may, once it has no images.
    pub async fn remove_organization(&self, caller: &Caller, name: &str) -> Result<(), HubError> {
        let organization =
            self.require_owner(caller, name, &format!("removing organization `{name}`")).await?;
        let event = self.event(caller, Some(&organization.id), "organization.delete", name);
        if self.records().organizations().remove(&organization, event).await? {
            return Ok(());
        }
        Err(HubError::Conflict {
            message: format!("organization `{name}` has images"),
            hint: Some("`temper repo delete` removes its repositories one by one".to_owned()),
        })
    }

    /// Lists the members of an organization by name; whoever belongs to it may.
    pub async fn list_members(
        &self,
        caller: &Caller,
        organization: &str,
        page: &Page,
    ) -> Result<Vec<Member>, HubError> {
        let organization = self.require_member(caller, organization).await?;
        let members = self.records().organizations();
        Ok(members.members(&organization.id, page.after(), page.limit).await?)
    }

    /// Makes a user a member in a role, or gives a member another one; owners may. The last owner stays one.
    pub async fn set_member(
        &self,
        caller: &Caller,
        organization: &str,
        user: &str,
        role: Role,
    ) -> Result<(), HubError> {
        let action = format!("adding members to organization `{organization}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        let found = self.user(user).await?;
        let subject = format!("{}/{user}", organization.name);
        let event = self.event(caller, Some(&organization.id), "member.set", subject);
        let members = self.records().organizations();
        match members.set_member(&organization.id, &found.id, role, event).await? {
            Changed::Last => Err(last_owner(user, &organization.name)),
            Changed::Done | Changed::Missing => Ok(()),
        }
    }

    /// Takes a user out of an organization and its teams; owners may, and members may leave. The last owner stays.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        organization: &str,
        user: &str,
    ) -> Result<(), HubError> {
        let is_self = matches!(caller, Caller::User { name, token: None, .. } if name == user);
        let action = format!("removing members from organization `{organization}`");
        let organization = if is_self {
            self.require_member(caller, organization).await?
        } else {
            self.require_owner(caller, organization, &action).await?
        };
        let missing = || hidden(caller, "member", user);
        let found = self.records().people().find(user).await?.ok_or_else(missing)?;
        let subject = format!("{}/{user}", organization.name);
        let event = self.event(caller, Some(&organization.id), "member.remove", subject);
        match self.records().organizations().remove_member(&organization.id, &found.id, event).await? {
            Changed::Done => Ok(()),
            Changed::Missing => Err(missing()),
            Changed::Last => Err(last_owner(user, &organization.name)),
        }
    }

    /// Finds a user whom somebody names who may add users to something.
    pub(crate) async fn user(&self, name: &str) -> Result<User, HubError> {
        let missing = || HubError::NotFound { kind: "user", name: name.to_owned() };
        self.records().people().find(name).await?.ok_or_else(missing)
    }
}

fn last_owner(user: &str, organization: &str) -> HubError {
    HubError::Conflict {
        message: format!("`{user}` is the last owner of organization `{organization}`"),
        hint: Some("make somebody else an owner first".to_owned()),
    }
}
