//! The command line: names, flags and help; what they do is in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use temper_registry::PublicUrl;

use crate::server::network;

mod account;
mod api;
mod attestation;
mod audit;
mod backup;
mod build;
mod bundle;
mod catalog;
mod customization;
mod key;
mod login;
pub(crate) mod mirror;
mod operation;
mod org;
mod registry;
mod repo;
mod signing;
mod team;
mod token;
mod trust;
mod user;
pub(crate) mod webhook;

pub(crate) use account::{Account, AccountCheck};
pub(crate) use api::{Force, OfOrganization, ServerOptions};
pub(crate) use attestation::{
    Attestation, AttestationGet, AttestationHowto, AttestationList, AttestationSbom, AttestedImage,
};
pub(crate) use audit::{Audit, AuditCommand, AuditList};
pub(crate) use backup::{Backup, Restore};
pub(crate) use build::{Build, Plan, Source};
pub(crate) use bundle::{Bundle, BundleExport, BundleImport};
pub(crate) use catalog::{Catalog, CatalogBuild, CatalogGet, CatalogList};
pub(crate) use customization::{
    ApplyCustomizations, BuildLogs, CreateCustomization, Customization, CustomizationBuild,
    CustomizationCommand, DeleteCustomization, EditCustomization, ListCustomizations, NamedBuild,
    NamedBuilds, NamedCustomization, Prepare, RestoreCustomization, RunBuild,
};
pub(crate) use key::{Key, KeyImport, KeyShow};
pub(crate) use login::{LogIn, LogOut};
pub(crate) use operation::{Operation, ServerRole};
pub(crate) use org::{
    CustomizationRight, MemberRight, Org, OrgCommand, OrgCreate, OrgDelete, OrgEdit, OrgMember, OrgMemberAdd,
    OrgMemberRemove, OrgName, Role,
};
pub(crate) use registry::{Registry, RegistryGc, RegistryUsage};
pub(crate) use repo::{Repo, RepoCommand, RepoDelete, RepoSet};
pub(crate) use signing::Signing;
pub(crate) use team::{
    Right, Team, TeamCommand, TeamDelete, TeamMember, TeamName, TeamRightCommand, TeamRightSet,
};
pub(crate) use token::{Token, TokenCommand, TokenCreate, TokenHolder, TokenList, TokenRevoke};
pub(crate) use trust::{Explain, Reproduce, Trust, Verify};
pub(crate) use user::{User, UserCommand, UserCreate, UserDelete, UserEdit, UserGet, UserPassword};

/// Customize hardened container images: plan, build, and serve them
///
/// Nothing foreign is executed while an image is built, and the same inputs give the same digest on any machine.
#[derive(Debug, Parser)]
#[command(name = "temper", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Examples:
  temper quickstart                                   build, customize and serve an example image
  temper catalog list                                 show the hardened images that can be built here
  temper plan customization.yaml --base oci:python    show what a customization would do
  temper build customization.yaml --base oci:python --output oci:result

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration, 130 interrupted")]
#[command(after_long_help = "Examples:
  temper quickstart                                   build, customize and serve an example image
  temper catalog list                                 show the hardened images that can be built here
  temper plan customization.yaml --base oci:python    show what a customization would do
  temper build customization.yaml --base oci:python --output oci:result

Exit codes:
    0  done
    1  failed: a document or a plan has problems, or something could not be read, fetched or written
    2  wrong usage: unknown options, or values that name nothing
    3  wrong configuration: the configuration file, what it names, or the data folder
  130  interrupted by Ctrl-C; the same command continues with what is complete

With `--json`, a failure is one object on standard output too:
  {\"error\": {\"message\", \"causes\", \"hint\", \"problems\": [{\"path\", \"message\", \"hint\"}]}}")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// More threads than any machine has processors for.
const WORKERS_MAX: i64 = 1024;

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print one JSON object to standard output instead of text, also for a failure
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Folder for images, indexes and records [default: `$XDG_DATA_HOME/temper`]
    #[arg(long, global = true, value_name = "DIR", env = "TEMPER_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Database for records, `postgres://USER@HOST/DATABASE` [default: a file of the data folder]
    #[arg(long, global = true, value_name = "URL", env = "TEMPER_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Object store for the registry's blobs, `s3://BUCKET/PREFIX?endpoint=URL&region=REGION` [default: the data folder]
    #[arg(long, global = true, value_name = "URL", env = "TEMPER_STORAGE", hide_env_values = true)]
    pub(crate) storage: Option<String>,
    /// Folder of the keys that sign [default: `keys` in the data folder]
    #[arg(long, global = true, value_name = "DIR", env = "TEMPER_KEYS_DIR", hide_env_values = true)]
    pub(crate) keys_dir: Option<PathBuf>,
    /// Configuration file [default: `$XDG_CONFIG_HOME/temper/config.yaml`, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "TEMPER_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Worker threads for compression and decoding, 1 to 1024 [default: one for each processor]
    #[arg(long, global = true, value_name = "N", env = "TEMPER_WORKERS", hide_env_values = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=WORKERS_MAX))]
    pub(crate) workers: Option<u16>,
    /// How the log is written to standard error
    #[arg(long, global = true, value_name = "FORM", env = "TEMPER_LOG_FORMAT", hide_env_values = true)]
    #[arg(value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
    /// Use package indexes that were fetched before; ask no archive for newer ones
    #[arg(long, global = true, env = "TEMPER_OFFLINE", hide_env_values = true)]
    pub(crate) offline: bool,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object in each line
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a hardened Python image, customize it, and serve the result
    Quickstart(Quickstart),
    /// Serve the registry and the API over the data folder
    Serve(Serve),
    /// Log in to a server
    #[command(name = "login")]
    LogIn(LogIn),
    /// Log out of a server
    #[command(name = "logout")]
    LogOut(LogOut),
    /// Look after organizations and their members
    #[command(after_help = "Examples:
  temper org create acme
  temper org member add acme alice")]
    Org(Org),
    /// Look after teams, which give members rights in repositories
    #[command(after_help = "Examples:
  temper team create --org acme developers
  temper team right set --org acme developers 'acme/dhi-*' write")]
    Team(Team),
    /// Make, list and revoke access tokens, which programs log in with
    #[command(after_help = "Example:
  temper token create ci --org acme --write --repo 'acme/dhi-*' --expires 90d")]
    Token(Token),
    /// Look after repositories: visibility, immutable tags, quotas
    #[command(after_help = "Examples:
  temper repo list --org acme
  temper repo set acme/dhi-python --public true")]
    Repo(Repo),
    /// Keep repositories equal to an upstream, or build the catalog's definitions into them
    #[command(after_help = "Examples:
  temper mirror start --org acme python
  temper mirror start --org acme docker.io/library/nginx --tags '1.*'")]
    Mirror(mirror::Mirror),
    /// Say when rebuilds run that nobody asked for
    #[command(after_help = "Examples:
  temper watch get --org acme
  temper watch pause --org acme")]
    Watch(mirror::Watch),
    /// Show how long a repository's tags take to answer to what changed
    Freshness(mirror::Freshness),
    /// Look after webhooks: who is told of what happens, and who tells of pushes
    #[command(after_help = "Examples:
  temper webhook create --org acme https://hooks.example/temper --event push
  temper webhook incoming create --org acme docker-hub")]
    Webhook(webhook::Webhook),
    /// Look after users
    #[command(after_help = "Example:
  temper user create alice")]
    User(User),
    /// Show who changed what
    #[command(after_help = "Example:
  temper audit list --org acme")]
    Audit(Audit),
    /// Write records and keys to one file, also while a server runs
    Backup(Backup),
    /// Fill an empty data folder, or an empty database, from a backup
    Restore(Restore),
    /// Look after the registry of the data folder
    #[command(
        subcommand,
        after_help = "Examples:
  temper registry usage
  temper registry gc --dry-run"
    )]
    Registry(Registry),
    /// Show everything that a build would do, and change nothing
    Plan(Plan),
    /// Build a customized image
    Build(Build),
    /// Show and build the definitions of hardened images
    #[command(
        subcommand,
        after_help = "Example:
  temper catalog list --filter python"
    )]
    Catalog(Catalog),
    /// Create, change and build customizations on a server
    #[command(
        visible_alias = "custo",
        after_help = "Examples:
  temper customization prepare acme/dhi-python -t python/debian-13/3.13 > customization.yaml
  temper customization create customization.yaml --org acme --follow
  temper customization build list acme/dhi-python custom"
    )]
    Customization(Customization),
    /// Show what is said about an image, and how others verify it
    #[command(
        subcommand,
        visible_alias = "attest",
        after_help = "Examples:
  temper attestation list 127.0.0.1:5080/acme/dhi-python:3.13_custom
  temper attestation howto 127.0.0.1:5080/acme/dhi-python:3.13_custom"
    )]
    Attestation(Attestation),
    /// Check who signed an image, and that it is what its attestations say
    Verify(Verify),
    /// Build a published image again from its provenance, and compare both bit for bit
    Reproduce(Reproduce),
    /// Tell where a file, a variable or a user of an image comes from
    Explain(Explain),
    /// Carry images with everything that proves them to networks without a way out
    #[command(
        subcommand,
        after_help = "Examples:
  temper bundle export registry.example/acme/dhi-python:3.13_custom --output images.tar
  temper bundle import images.tar --key temper.pub --output registry.internal:5000"
    )]
    Bundle(Bundle),
    /// Look after the keys that sign images
    #[command(
        subcommand,
        after_help = "Examples:
  temper key list
  temper key show > temper.pub
  temper key rotate

Environment:
  TEMPER_KEY_PASSWORD       password that encrypts the keys of the data folder
  TEMPER_KEY_PASSWORD_FILE  file whose first line is that password
  COSIGN_PASSWORD           password of a key file that is imported, or named with `--key`
  COSIGN_PKCS11_PIN         PIN of a token
Without a password Temper makes one, and keeps it beside the keys."
    )]
    Key(Key),
    /// Make password hashes and access tokens for an accounts file
    #[command(
        subcommand,
        after_help = "Examples:
  temper account hash
  temper account check accounts.yaml"
    )]
    Account(Account),
    /// Recompute every digest, size and diff id of an image and report what does not hold
    Validate(Validate),
    /// Check what Temper needs on this machine
    #[command(after_help = "Example:
  temper doctor --json")]
    Doctor,
    /// Print a completion script for a shell
    #[command(after_help = "Example:
  temper completion bash > /etc/bash_completion.d/temper")]
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the reference pages that are generated from the code
    #[command(hide = true)]
    Reference {
        /// Folder to write to
        directory: PathBuf,
    },
}

impl Command {
    /// Says whether the command works with what the configuration file sets.
    pub(crate) fn uses_configuration(&self) -> bool {
        !matches!(self, Self::Completion { .. } | Self::Reference { .. })
    }
}

/// Where a server listens.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Address and port to listen on
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "TEMPER_LISTEN",
        hide_env_values = true,
        default_value = "127.0.0.1:5080"
    )]
    pub(crate) listen: SocketAddr,
}

/// How a server meets its clients; the configuration file has the same under `server`.
#[derive(Debug, Default, Args)]
pub(crate) struct Front {
    /// Address by which clients know the server: `https://registry.example.org`
    #[arg(long, value_name = "URL", env = "TEMPER_PUBLIC_URL", hide_env_values = true)]
    pub(crate) public_url: Option<PublicUrl>,
    /// Certificate for TLS with those between it and its authority, PEM; read again when it changes
    #[arg(long, value_name = "FILE", env = "TEMPER_TLS_CERT", hide_env_values = true)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM; read again when it changes
    #[arg(long, value_name = "FILE", env = "TEMPER_TLS_KEY", hide_env_values = true)]
    pub(crate) tls_key: Option<PathBuf>,
    /// Network of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed; may be repeated
    #[arg(
        long = "trusted-proxy",
        value_name = "CIDR",
        env = "TEMPER_TRUSTED_PROXIES",
        hide_env_values = true,
        value_delimiter = ',',
        value_parser = network
    )]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Accounts file, which says who may do what, in place of the users and teams that the server keeps; read again when it changes
    #[arg(long, value_name = "FILE", env = "TEMPER_ACCOUNTS", hide_env_values = true)]
    pub(crate) accounts: Option<PathBuf>,
    /// Let nobody log in: everybody who reaches the server pulls, and its own machine pushes
    #[arg(long, env = "TEMPER_ANONYMOUS", hide_env_values = true, conflicts_with = "accounts")]
    pub(crate) anonymous: bool,
}

/// Options of `quickstart`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper quickstart                       serve the result until Ctrl-C
  temper quickstart --once --json         build, print one object, and end")]
pub(crate) struct Quickstart {
    #[command(flatten)]
    pub(crate) listen: Listen,
    /// End after the image is built instead of serving it
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper serve --data-dir /srv/temper --listen 127.0.0.1:5080
  temper serve --listen 0.0.0.0:443 --tls-cert server.pem --tls-key server.key --accounts accounts.yaml
  temper serve --public-url https://registry.example.org --trusted-proxy 127.0.0.1 --accounts accounts.yaml
  temper serve --role worker --database postgres://temper@db/temper --storage 's3://blobs?region=eu-central-1'")]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) front: Front,
    /// Give the user `admin` a new password, print it once, and let the user in again
    #[arg(long, conflicts_with_all = ["accounts", "anonymous"])]
    pub(crate) reset_admin: bool,
    #[command(flatten)]
    pub(crate) operation: Operation,
}

/// Options of `validate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper validate oci:result:3.13_custom")]
pub(crate) struct Validate {
    /// The image of a layout: `oci:DIR` or `oci:DIR:TAG`
    #[arg(value_name = "oci:DIR[:TAG]")]
    pub(crate) image: String,
}
