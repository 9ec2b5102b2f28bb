//! The command line of `temper customization`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Force, ServerOptions};

mod build;

pub(crate) use build::{BuildLogs, CustomizationBuild, NamedBuild, NamedBuilds, RunBuild};

/// `temper customization`.
#[derive(Debug, Args)]
pub(crate) struct Customization {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(subcommand)]
    pub(crate) command: CustomizationCommand,
}

/// What to do with customizations.
#[derive(Debug, Subcommand)]
pub(crate) enum CustomizationCommand {
    /// Print a commented document to start from
    Prepare(Prepare),
    /// Create customizations from YAML files, all or none
    Create(CreateCustomization),
    /// Make a server's customizations equal to a folder of YAML files
    Apply(ApplyCustomizations),
    /// List the customizations of an organization
    List(ListCustomizations),
    /// Print a customization as YAML that `edit` takes
    #[command(after_help = "Example:
  temper customization get acme/dhi-python custom")]
    Get(NamedCustomization),
    /// Change a customization from a YAML file
    Edit(EditCustomization),
    /// Delete customizations
    Delete(DeleteCustomization),
    /// List every document that a customization had
    #[command(after_help = "Example:
  temper customization history acme/dhi-python custom")]
    History(NamedCustomization),
    /// Put an earlier document in the place of the one that is there
    Restore(RestoreCustomization),
    /// Look at builds, run them, and go back to earlier ones
    #[command(
        subcommand,
        after_help = "Examples:
  temper customization build list acme/dhi-python 'python with curl'
  temper customization build logs acme/dhi-python 'python with curl' --follow
  temper customization build rollback 0198f5b2-7c1e-7d0a-8000-000000000001"
    )]
    Build(CustomizationBuild),
}

/// Options of `customization prepare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization prepare acme/dhi-python --tag-definition-id python/debian-13/3.13 > customization.yaml
  temper customization prepare acme/python --tag 3.13 --name 'python with curl' > customization.yaml")]
pub(crate) struct Prepare {
    /// The repository that is customized, `acme/dhi-python`
    pub(crate) destination: String,
    /// Its line of tags, a definition of the catalog: `python/debian-13/3.13`
    #[arg(short = 't', long, value_name = "ID")]
    pub(crate) tag_definition_id: Option<String>,
    /// One tag of it, for a repository that no definition describes
    #[arg(long, value_name = "TAG", conflicts_with = "tag_definition_id")]
    pub(crate) tag: Option<String>,
    /// Name of the customization
    #[arg(short = 'n', long, value_name = "NAME", default_value = "custom")]
    pub(crate) name: String,
    /// What tags end with, behind `_` [default: made from the name]
    #[arg(long, value_name = "WORD")]
    pub(crate) suffix: Option<String>,
    /// Folder of definitions [default: the embedded catalog]
    #[arg(long, value_name = "DIR")]
    pub(crate) catalog: Option<PathBuf>,
}

/// The organization of a command.
#[derive(Debug, Args)]
pub(crate) struct InOrganization {
    /// The organization [default: that of the documents' destinations]
    #[arg(long, value_name = "ORG", env = "TEMPER_ORG", hide_env_values = true)]
    pub(crate) org: Option<String>,
}

/// Options of `customization create`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization create customization.yaml --org acme
  temper customization prepare acme/dhi-python -t python/debian-13/3.13 | temper customization create --follow -")]
pub(crate) struct CreateCustomization {
    /// YAML files; `-` reads standard input [default: -]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) organization: InOrganization,
    /// Name, in the place of the document's
    #[arg(short = 'n', long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Repository, in the place of the document's
    #[arg(short = 'd', long, value_name = "REPOSITORY")]
    pub(crate) destination: Option<String>,
    /// Line of tags, in the place of the document's
    #[arg(short = 't', long, value_name = "ID")]
    pub(crate) tag_definition_id: Option<String>,
    /// Show the logs of the builds, and wait for their ends
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Options of `customization apply`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization apply -f customizations --org acme --dry-run
  temper customization apply -f customizations --org acme --force

With `--dry-run` nothing is changed; the exit code is 1 where folder and server differ.")]
pub(crate) struct ApplyCustomizations {
    /// Folder with one document in each file that ends with `.yaml` or `.yml`
    #[arg(short = 'f', long = "file", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) organization: InOrganization,
    /// Only show what differs
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Deleting customizations that have no file asks
    #[command(flatten)]
    pub(crate) force: Force,
    /// Remove tags that are not written any more
    #[arg(long)]
    pub(crate) remove_tags: bool,
}

/// Options of `customization list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization list --org acme
  temper customization list --org acme --filter curl --repo dhi-python --json")]
pub(crate) struct ListCustomizations {
    #[command(flatten)]
    pub(crate) organization: InOrganization,
    /// Only those whose name contains this text, in any case
    #[arg(short = 'f', long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Only those with a destination that contains this text, in any case
    #[arg(short = 'r', long, value_name = "TEXT")]
    pub(crate) repo: Option<String>,
    /// Only those that name a source with this text, in any case
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
}

/// A customization by its repository and name, or by its id.
#[derive(Debug, Args)]
pub(crate) struct NamedCustomization {
    /// The repository of a target with the name of the customization, or its id
    #[arg(value_name = "REPOSITORY NAME|ID", num_args = 1..=2, required = true)]
    pub(crate) which: Vec<String>,
    /// Taken for the sake of other tools; the repository names it already
    #[arg(long, value_name = "ORG", hide = true)]
    pub(crate) org: Option<String>,
}

/// Options of `customization edit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization get acme/dhi-python 'python with curl' > customization.yaml
  temper customization edit customization.yaml")]
pub(crate) struct EditCustomization {
    /// YAML file with the `id`; `-` reads standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// Taken for the sake of other tools; the document names it already
    #[arg(long, value_name = "ORG", hide = true)]
    pub(crate) org: Option<String>,
    /// Only if nobody has changed it since this version
    #[arg(long = "if-version", value_name = "N")]
    pub(crate) version: Option<i64>,
    /// Remove tags that the new document does not have
    #[arg(long)]
    pub(crate) remove_tags: bool,
    /// Show the logs of the builds, and wait for their ends
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Options of `customization delete`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper customization delete acme/dhi-python 'python with curl'
  temper customization delete 0198f5b2-7c1e-7d0a-8000-000000000001 --force --remove-tags")]
pub(crate) struct DeleteCustomization {
    /// The repository of a target with the name of the customization, or ids
    #[arg(value_name = "REPOSITORY NAME|ID", num_args = 1.., required = true)]
    pub(crate) which: Vec<String>,
    /// Taken for the sake of other tools; the repository names it already
    #[arg(long, value_name = "ORG", hide = true)]
    pub(crate) org: Option<String>,
    #[command(flatten)]
    pub(crate) force: Force,
    /// Remove the tags that it wrote; else they stay where they are
    #[arg(long)]
    pub(crate) remove_tags: bool,
}

/// Options of `customization restore`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper customization restore acme/dhi-python 'python with curl' --to 3")]
pub(crate) struct RestoreCustomization {
    #[command(flatten)]
    pub(crate) named: NamedCustomization,
    /// The version to go back to, see `temper customization history`
    #[arg(long, value_name = "N")]
    pub(crate) to: i64,
}
