//! The command line of `temper org`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Force, ServerOptions};

/// `temper org`.
#[derive(Debug, Args)]
pub(crate) struct Org {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: OrgCommand,
}

/// What to do with organizations.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Make an organization; administrators may
    Create(OrgCreate),
    /// List the organizations that you belong to
    #[command(after_help = "Example:
  temper org list --json")]
    List,
    /// Show an organization
    #[command(after_help = "Example:
  temper org get acme")]
    Get(OrgName),
    /// Change an organization; owners may
    Edit(OrgEdit),
    /// Remove an organization that has no images; owners may
    Delete(OrgDelete),
    /// Look after the members of an organization
    #[command(
        subcommand,
        after_help = "Example:
  temper org member add acme alice --role owner"
    )]
    Member(OrgMember),
}

/// Names an organization.
#[derive(Debug, Args)]
pub(crate) struct OrgName {
    /// The organization
    pub(crate) name: String,
}

/// Options of `org create`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper org create acme
  temper org create acme --owner alice --description 'images of Acme'")]
pub(crate) struct OrgCreate {
    /// The first part of its repositories' names: lower-case letters and digits
    pub(crate) name: String,
    /// What it is
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// The user who owns it first [default: you]
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<String>,
}

/// Options of `org edit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper org edit acme --member-right none
  temper org edit acme --quota 500GiB")]
pub(crate) struct OrgEdit {
    /// The organization
    pub(crate) name: String,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// What every member may do in every repository
    #[arg(long, value_name = "RIGHT")]
    pub(crate) member_right: Option<MemberRight>,
    /// What a member needs in a repository to create customizations into it
    #[arg(long, value_name = "RIGHT")]
    pub(crate) customization_right: Option<CustomizationRight>,
    /// Most bytes of all repositories, `500GiB`, or `none`
    #[arg(long, value_name = "SIZE", value_parser = super::repo::quota)]
    pub(crate) quota: Option<super::repo::Quota>,
}

/// What every member may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MemberRight {
    /// What teams say
    None,
    /// Pull
    Read,
    /// Push
    Write,
}

/// What creating customizations needs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CustomizationRight {
    /// Pull
    Read,
    /// Push
    Write,
}

/// Options of `org delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper org delete acme --force")]
pub(crate) struct OrgDelete {
    /// The organization
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) force: Force,
}

/// What to do with members.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgMember {
    /// List the members
    #[command(after_help = "Example:
  temper org member list acme")]
    List(OrgName),
    /// Make a user a member, or give a member another role
    Add(OrgMemberAdd),
    /// Take a user out of the organization and its teams
    Remove(OrgMemberRemove),
}

/// Options of `org member add`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper org member add acme alice --role owner")]
pub(crate) struct OrgMemberAdd {
    /// The organization
    pub(crate) name: String,
    /// The user
    pub(crate) user: String,
    /// What they are to be
    #[arg(long, value_name = "ROLE", default_value = "member")]
    pub(crate) role: Role,
}

/// What somebody is in an organization.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// Belongs to it
    Member,
    /// Decides for it
    Owner,
}

/// Options of `org member remove`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper org member remove acme alice --force")]
pub(crate) struct OrgMemberRemove {
    /// The organization
    pub(crate) name: String,
    /// The user
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) force: Force,
}
