//! The command line of `temper registry`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::SignedDuration;

/// What to do with the registry.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Show how much repositories keep
    Usage(RegistryUsage),
    /// Remove what nothing needs; the registry may be in use
    Gc(RegistryGc),
    /// Read every blob and manifest and compare it with its digest
    #[command(after_help = "Example:
  temper registry check --json")]
    Check,
}

/// Options of `registry usage`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper registry usage
  temper registry usage acme --json")]
pub(crate) struct RegistryUsage {
    /// A repository, or an organization, which stands for all its repositories [default: all]
    #[arg(value_name = "REPOSITORY")]
    pub(crate) repository: Option<String>,
}

/// Options of `registry gc`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper registry gc --dry-run
  temper registry gc --grace 1h --json

`temper serve` does the same every hour.")]
pub(crate) struct RegistryGc {
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long blobs and uploads that nothing needs are kept; less than a minute only while nobody pushes
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub(crate) grace: Duration,
    /// Accounts file of the server, which says what each repository retains
    #[arg(long, value_name = "FILE", env = "TEMPER_ACCOUNTS", hide_env_values = true)]
    pub(crate) accounts: Option<PathBuf>,
}

/// Reads `90s`, `24h` or `7 days`.
fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    duration.try_into().map_err(|_| "a duration cannot be negative".to_owned())
}
