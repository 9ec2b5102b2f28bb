//! `temper org`: organizations and their members. The form of every command over the API: copy it for a new noun.

use std::process::ExitCode;

use temper_web::{
    Member, MemberRight, NewOrganization, Organization, OrganizationEdit, Right, Role, RoleOfMember,
};

use crate::cli::{self, OrgCommand, OrgMember};
use crate::client::Versioned;
use crate::commands::api::Api;
use crate::{asking, printing};

/// Where organizations are in the API.
const PATH: &str = "organizations";

/// Runs one command.
pub(crate) fn run(api: &Api, command: &OrgCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        OrgCommand::Create(options) => create(api, options),
        OrgCommand::List => list(api),
        OrgCommand::Get(options) => show(api, &api.client.get(&[PATH, &options.name])?),
        OrgCommand::Edit(options) => edit(api, options),
        OrgCommand::Delete(options) => delete(api, options),
        OrgCommand::Member(OrgMember::List(options)) => list_members(api, options),
        OrgCommand::Member(OrgMember::Add(options)) => add_member(api, options),
        OrgCommand::Member(OrgMember::Remove(options)) => remove_member(api, options),
    }
}

fn create(api: &Api, options: &cli::OrgCreate) -> Result<ExitCode, anyhow::Error> {
    let cli::OrgCreate { name, description, owner } = options;
    let new = NewOrganization { name: name.clone(), description: description.clone(), owner: owner.clone() };
    show(api, &api.client.post(&[PATH], &new)?)
}

fn list(api: &Api) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Organization> = api.client.list(&[PATH], &[], None)?;
    api.print_list(&found, &["organization", "description"], |organization| {
        vec![organization.name.clone(), organization.description.clone()]
    })
}

fn edit(api: &Api, options: &cli::OrgEdit) -> Result<ExitCode, anyhow::Error> {
    let edit = OrganizationEdit {
        description: options.description.clone(),
        member_right: options.member_right.map(|right| match right {
            cli::MemberRight::None => MemberRight::None,
            cli::MemberRight::Read => MemberRight::Read,
            cli::MemberRight::Write => MemberRight::Write,
        }),
        customization_right: options.customization_right.map(|right| match right {
            cli::CustomizationRight::Read => Right::Read,
            cli::CustomizationRight::Write => Right::Write,
        }),
        quota_bytes: options.quota.map(|quota| quota.0),
    };
    // Who changes it at the same moment is not overruled.
    let path = [PATH, &options.name];
    let old: Versioned<Organization> = api.client.get_versioned(&path)?;
    show(api, &api.client.patch(&path, &edit, old.version.as_deref())?)
}

fn delete(api: &Api, options: &cli::OrgDelete) -> Result<ExitCode, anyhow::Error> {
    let name = &options.name;
    asking::confirm(&format!("deleting organization `{name}`"), options.force.force)?;
    api.client.delete(&[PATH, name], &[])?;
    api.print_done(&format!("organization {name} is gone"))
}

fn list_members(api: &Api, options: &cli::OrgName) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Member> = api.client.list(&[PATH, &options.name, "members"], &[], None)?;
    api.print_list(&found, &["user", "role", "since"], |member| {
        vec![member.user.clone(), printing::word(&member.role), member.created_at.clone()]
    })
}

fn add_member(api: &Api, options: &cli::OrgMemberAdd) -> Result<ExitCode, anyhow::Error> {
    let cli::OrgMemberAdd { name, user, role } = options;
    let role = match role {
        cli::Role::Member => Role::Member,
        cli::Role::Owner => Role::Owner,
    };
    api.client.put(&[PATH, name, "members", user], &RoleOfMember { role })?;
    api.print_done(&format!("{user} is {} of {name}", printing::word(&role)))
}

fn remove_member(api: &Api, options: &cli::OrgMemberRemove) -> Result<ExitCode, anyhow::Error> {
    let cli::OrgMemberRemove { name, user, force } = options;
    asking::confirm(&format!("removing `{user}` from organization `{name}`"), force.force)?;
    api.client.delete(&[PATH, name, "members", user], &[])?;
    api.print_done(&format!("{user} has left {name}"))
}

fn show(api: &Api, organization: &Organization) -> Result<ExitCode, anyhow::Error> {
    api.print(organization, || {
        printing::fields(&[
            ("organization", organization.name.clone()),
            ("description", organization.description.clone()),
            ("members may", printing::word(&organization.member_right)),
            ("customizing needs", printing::word(&organization.customization_right)),
            ("quota", printing::bytes(organization.quota_bytes)),
            ("since", organization.created_at.clone()),
        ])
    })
}
