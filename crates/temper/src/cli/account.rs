//! The command line of `temper account`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to make for an accounts file.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Print the hash of a password, typed twice or given on standard input
    #[command(after_help = "Examples:
  temper account hash
  pwgen 20 1 | tee password | temper account hash")]
    Hash,
    /// Make an access token, and print it once with the digest that is kept of it
    #[command(after_help = "Example:
  temper account token --json")]
    Token,
    /// Read an accounts file and report every problem
    Check(AccountCheck),
}

/// Options of `account check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper account check accounts.yaml")]
pub(crate) struct AccountCheck {
    /// The file
    pub(crate) file: PathBuf,
}
