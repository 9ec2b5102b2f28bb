//! The command line of `temper customization build`.

use clap::{Args, Subcommand};

use super::NamedCustomization;

/// What to do with builds.
#[derive(Debug, Subcommand)]
pub(crate) enum CustomizationBuild {
    /// List the builds of a customization, the newest first
    #[command(after_help = "Example:
  temper customization build list acme/dhi-python custom")]
    List(NamedBuilds),
    /// Show a build: why it ran, what came of it, and what differs from the build before
    #[command(after_help = "Example:
  temper customization build get acme/dhi-python custom")]
    Get(NamedBuild),
    /// Show the log of a build
    #[command(after_help = "Example:
  temper customization build logs acme/dhi-python custom --follow")]
    Logs(BuildLogs),
    /// Build now
    #[command(after_help = "Example:
  temper customization build run acme/dhi-python custom")]
    Run(RunBuild),
    /// Build again what did not succeed
    #[command(after_help = "Example:
  temper customization build retry acme/dhi-python custom")]
    Retry(NamedBuild),
    /// End a build
    #[command(after_help = "Example:
  temper customization build cancel acme/dhi-python custom")]
    Cancel(NamedBuild),
    /// Move the tags back to the result of a build, and hold them there
    #[command(after_help = "Example:
  temper customization build rollback 0190f3a2-7c1e-7d3a-9b52-1f0c5a7e4d21")]
    Rollback(NamedBuild),
    /// Let tags go that are held at an earlier build
    #[command(after_help = "Example:
  temper customization build release acme/dhi-python custom")]
    Release(NamedCustomization),
}

/// Options of `customization build list`.
#[derive(Debug, Args)]
pub(crate) struct NamedBuilds {
    #[command(flatten)]
    pub(crate) named: NamedCustomization,
    /// Only builds in this state: queued, running, succeeded, failed, superseded, unchanged, cancelled
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
}

/// A build by its id, or the newest of a customization.
#[derive(Debug, Args)]
pub(crate) struct NamedBuild {
    /// The build's id; or the repository and the name of a customization, for its newest build
    #[arg(value_name = "BUILD|REPOSITORY NAME", num_args = 1..=3, required = true)]
    pub(crate) which: Vec<String>,
    /// Taken for the sake of other tools; the repository names it already
    #[arg(long, value_name = "ORG", hide = true)]
    pub(crate) org: Option<String>,
}

/// Options of `customization build logs`.
#[derive(Debug, Args)]
pub(crate) struct BuildLogs {
    #[command(flatten)]
    pub(crate) named: NamedBuild,
    /// Go on as it is written, until the build ends; the exit code is 1 where it fails
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
}

/// Options of `customization build run`.
#[derive(Debug, Args)]
pub(crate) struct RunBuild {
    #[command(flatten)]
    pub(crate) named: NamedCustomization,
    /// Only the target in this repository
    #[arg(short = 'd', long, value_name = "REPOSITORY")]
    pub(crate) destination: Option<String>,
    /// Show the logs, and wait for the ends
    #[arg(long)]
    pub(crate) follow: bool,
}
