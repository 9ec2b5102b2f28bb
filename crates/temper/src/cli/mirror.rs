//! The command line of `temper mirror`, `temper watch` and `temper freshness`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Force, OfOrganization, ServerOptions};

/// `temper mirror`.
#[derive(Debug, Args)]
pub(crate) struct Mirror {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: MirrorCommand,
}

/// What to do with mirrors.
#[derive(Debug, Subcommand)]
pub(crate) enum MirrorCommand {
    /// Keep repositories equal to an upstream, or build definitions of the catalog into them
    Start(MirrorStart),
    /// List the mirrors of an organization that you may read
    #[command(after_help = "Example:
  temper mirror list --org acme")]
    List(OfOrganization),
    /// Show a mirror: how its last look ended, its tags, and those that are left out
    Get(MirrorName),
    /// Look at the upstream now
    Sync(MirrorSync),
    /// End the mirroring; what is there stays
    Stop(MirrorStop),
}

/// Options of `mirror start`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper mirror start --org acme python
  temper mirror start --org acme docker.io/library/nginx --tags '1.*' --except '*-perl'
  temper mirror start --org acme registry.example/team/app --repo acme/app --verify-key cosign.pub --wait
  temper mirror start --org acme --repo dhi/python,acme/dhi-python --repo dhi/bash,acme/dhi-bash")]
pub(crate) struct MirrorStart {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// The upstream: `registry.example/team/app`, or definitions of the catalog, `python`
    #[arg(required_unless_present = "repo")]
    pub(crate) source: Option<String>,
    /// The repository, `acme/app`; or upstream and repository, `dhi/python,acme/dhi-python`, which may be repeated
    #[arg(short = 'r', long, value_name = "[SOURCE,]REPOSITORY")]
    pub(crate) repo: Vec<String>,
    /// Pattern of tags that come in; may be repeated [default: all]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) tags: Vec<String>,
    /// Pattern of those of them that stay out; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(crate) except: Vec<String>,
    /// Public key, one of which must have signed what comes in; may be repeated
    #[arg(long = "verify-key", value_name = "FILE")]
    pub(crate) verify_keys: Vec<PathBuf>,
    /// How often the upstream is looked at, in seconds [default: the server's]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) interval: Option<u64>,
    /// Wait for the first look, and show how far it is
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Names a mirror.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper mirror get acme/dhi-python")]
pub(crate) struct MirrorName {
    /// The repository, `acme/dhi-python`
    pub(crate) repository: String,
}

/// Options of `mirror sync`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper mirror sync acme/nginx --wait")]
pub(crate) struct MirrorSync {
    /// The repository, `acme/nginx`
    pub(crate) repository: String,
    /// Wait for the look, and show how far it is
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Options of `mirror stop`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper mirror stop acme/nginx --force")]
pub(crate) struct MirrorStop {
    /// The repository, `acme/nginx`
    pub(crate) repository: String,
    #[command(flatten)]
    pub(crate) force: Force,
}

/// `temper watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: WatchCommand,
}

/// What to do with rebuilds that nobody asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Show when rebuilds run, and how many wait
    #[command(after_help = "Example:
  temper watch get --org acme")]
    Get(OfOrganization),
    /// Let no rebuilds run until `watch resume`
    #[command(after_help = "Example:
  temper watch pause --org acme")]
    Pause(OfOrganization),
    /// Let rebuilds run again, also those that waited
    #[command(after_help = "Example:
  temper watch resume --org acme")]
    Resume(OfOrganization),
    /// Let rebuilds run in weekly windows only
    Windows(WatchWindows),
}

/// Options of `watch windows`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper watch windows --org acme --window 'saturday,sunday 22:00-06:00'
  temper watch windows --org acme --window '02:00-04:00'
  temper watch windows --org acme --always")]
pub(crate) struct WatchWindows {
    #[command(flatten)]
    pub(crate) of: OfOrganization,
    /// Days and times in UTC, `[DAY,…] HH:MM-HH:MM`; may be repeated
    #[arg(long = "window", value_name = "WINDOW", required_unless_present = "always")]
    pub(crate) windows: Vec<String>,
    /// Take the windows away
    #[arg(long, conflicts_with = "windows")]
    pub(crate) always: bool,
}

/// `temper freshness`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper freshness acme/dhi-python --since 2027-01-01T00:00:00Z")]
pub(crate) struct Freshness {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    /// The repository, `acme/dhi-python`
    pub(crate) repository: String,
    /// Changes since this time count [default: of the last 30 days]
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
}
