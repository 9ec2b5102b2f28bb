//! The command line of `temper team`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Force, OfOrganization, ServerOptions};

/// `temper team`.
#[derive(Debug, Args)]
pub(crate) struct Team {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: TeamCommand,
}

/// What to do with teams.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Add a team; owners may
    #[command(after_help = "Example:
  temper team create --org acme developers")]
    Create(TeamName),
    /// List the teams with members and rights
    #[command(after_help = "Example:
  temper team list --org acme")]
    List(OfOrganization),
    /// Show a team
    #[command(after_help = "Example:
  temper team get --org acme developers")]
    Get(TeamName),
    /// Remove a team with its rights; owners may
    Delete(TeamDelete),
    /// Say who is in a team
    #[command(
        subcommand,
        after_help = "Example:
  temper team member add --org acme developers alice"
    )]
    Member(TeamMember),
    /// Say what a team may do
    #[command(
        subcommand,
        after_help = "Example:
  temper team right set --org acme developers 'acme/dhi-*' write"
    )]
    Right(TeamRightCommand),
}

/// Names a team.
#[derive(Debug, Args)]
pub(crate) struct TeamName {
    #[command(flatten)]
    pub(crate) organization: OfOrganization,
    /// The team
    pub(crate) team: String,
}

/// Options of `team delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper team delete --org acme developers --force")]
pub(crate) struct TeamDelete {
    #[command(flatten)]
    pub(crate) name: TeamName,
    #[command(flatten)]
    pub(crate) force: Force,
}

/// What to do with the members of a team.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamMember {
    /// Put a member of the organization into a team
    #[command(after_help = "Example:
  temper team member add --org acme developers alice")]
    Add(TeamMemberName),
    /// Take a user out of a team
    #[command(after_help = "Example:
  temper team member remove --org acme developers alice")]
    Remove(TeamMemberName),
}

/// Names a member of a team.
#[derive(Debug, Args)]
pub(crate) struct TeamMemberName {
    #[command(flatten)]
    pub(crate) name: TeamName,
    /// The user
    pub(crate) user: String,
}

/// What to do with the rights of a team.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamRightCommand {
    /// Give a team a right in a repository, or in all that match a pattern
    Set(TeamRightSet),
    /// Take a right away
    Remove(TeamRightRemove),
}

/// Options of `team right set`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper team right set --org acme developers 'acme/dhi-*' write")]
pub(crate) struct TeamRightSet {
    #[command(flatten)]
    pub(crate) name: TeamName,
    /// The repository, or a pattern: `?` one character, `*` any number without a slash, `**` any number
    pub(crate) repository: String,
    /// What the team may do there
    pub(crate) right: Right,
}

/// Options of `team right remove`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper team right remove --org acme developers 'acme/dhi-*'")]
pub(crate) struct TeamRightRemove {
    #[command(flatten)]
    pub(crate) name: TeamName,
    /// The repository or pattern, as it was given
    pub(crate) repository: String,
}

/// What somebody may do in a repository.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Right {
    /// Pull
    Read,
    /// Pull and push
    Write,
    /// Also remove, and set what holds in the repository
    Admin,
}
