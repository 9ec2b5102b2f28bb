//! The command line of `temper token`.

use clap::{Args, Subcommand};

use super::{Force, ServerOptions};

/// `temper token`.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What to do with access tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make an access token, and print it once
    Create(TokenCreate),
    /// List access tokens, without what is secret of them
    List(TokenList),
    /// End an access token at once
    Revoke(TokenRevoke),
}

/// Whose tokens.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenHolder {
    /// An organization's tokens in place of your own; owners may
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
}

/// Options of `token create`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper token create laptop --write --expires 90d
  temper token create ci --org acme --write --repo 'acme/dhi-*'

Programs log in with the name of the user, or of the organization, and the token as password.")]
pub(crate) struct TokenCreate {
    /// Its name among those of its owner
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) holder: TokenHolder,
    /// It changes things too: pushes, creates, edits [default: it only reads]
    #[arg(long)]
    pub(crate) write: bool,
    /// Repository that it is for, or a pattern of several; may be repeated [default: all]
    #[arg(long = "repo", value_name = "PATTERN")]
    pub(crate) repositories: Vec<String>,
    /// When it ends: `90d`, `12h`, or a date such as `2027-01-31` [default: never]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
}

/// Options of `token list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper token list --org acme")]
pub(crate) struct TokenList {
    #[command(flatten)]
    pub(crate) holder: TokenHolder,
}

/// Options of `token revoke`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper token revoke laptop --force")]
pub(crate) struct TokenRevoke {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) holder: TokenHolder,
    #[command(flatten)]
    pub(crate) force: Force,
}
