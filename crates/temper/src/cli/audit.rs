//! The command line of `temper audit`.

use clap::{Args, Subcommand};

use super::ServerOptions;

/// `temper audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List changes, newest first
    List(AuditList),
}

/// Options of `audit list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper audit list --org acme
  temper audit list --action token. --actor alice --json")]
pub(crate) struct AuditList {
    /// Changes of an organization; owners may [default: all, which is for administrators]
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
    /// Only actions that begin so: `team.`
    #[arg(long, value_name = "TEXT")]
    pub(crate) action: Option<String>,
    /// Only what this user or token did: `alice`, `acme/token:ci`
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}
