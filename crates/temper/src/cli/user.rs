//! The command line of `temper user`.

use clap::{Args, Subcommand};

use super::{Force, ServerOptions};

/// `temper user`.
#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; administrators may
    Create(UserCreate),
    /// List users; administrators may
    #[command(after_help = "Example:
  temper user list")]
    List,
    /// Show a user
    Get(UserGet),
    /// Change a user; administrators may
    Edit(UserEdit),
    /// Set a password, typed or given on standard input
    Password(UserPassword),
    /// Remove a user with access tokens and memberships; administrators may
    Delete(UserDelete),
}

/// Options of `user create`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper user create alice --email alice@example.org
  temper user create alice < password")]
pub(crate) struct UserCreate {
    /// What they log in with: lower-case letters and digits
    pub(crate) name: String,
    /// Where they read mail
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// Every organization is theirs to look after
    #[arg(long)]
    pub(crate) admin: bool,
}

/// Options of `user get`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper user get alice")]
pub(crate) struct UserGet {
    /// The user [default: you]
    pub(crate) name: Option<String>,
}

/// Options of `user edit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper user edit alice --admin true
  temper user edit alice --disabled true")]
pub(crate) struct UserEdit {
    /// The user
    pub(crate) name: String,
    /// Where they read mail; an empty text removes it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// Whether every organization is theirs to look after
    #[arg(long, value_name = "true|false")]
    pub(crate) admin: Option<bool>,
    /// Whether nothing lets them in
    #[arg(long, value_name = "true|false")]
    pub(crate) disabled: Option<bool>,
}

/// Options of `user password`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper user password
  temper user password alice < password

Whoever changes their own gives the old one first; on standard input it is the first line, and the new one the second.")]
pub(crate) struct UserPassword {
    /// The user [default: you]
    pub(crate) name: Option<String>,
}

/// Options of `user delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper user delete alice --force")]
pub(crate) struct UserDelete {
    /// The user
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) force: Force,
}
