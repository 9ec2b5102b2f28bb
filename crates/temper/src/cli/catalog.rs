//! The command line of `temper catalog`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::{ServerOptions, Signing};

/// What to do with the catalog.
#[derive(Debug, Subcommand)]
pub(crate) enum Catalog {
    /// List the definitions with their tags, and why one cannot be built here
    List(CatalogList),
    /// Print one definition
    Get(CatalogGet),
    /// Build the image of a definition
    Build(CatalogBuild),
}

/// Options of `catalog list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper catalog list
  temper catalog list --filter python --json")]
pub(crate) struct CatalogList {
    /// Folder of definitions [default: the embedded catalog]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub(crate) catalog: Option<PathBuf>,
    /// Show only definitions whose id contains this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Options of `catalog get`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  temper catalog get python/debian-13/3.13")]
pub(crate) struct CatalogGet {
    /// The definition's id, `python/debian-13/3.13`
    pub(crate) id: String,
    /// Folder of definitions [default: the embedded catalog]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Options of `catalog build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper catalog build python/debian-13/3.13 --output oci:python-layout
  temper catalog build bash/debian-13/5-dev --output 127.0.0.1:5080/acme/dhi-bash")]
pub(crate) struct CatalogBuild {
    /// The definition's id, `python/debian-13/3.13`
    pub(crate) id: String,
    /// Where the image goes: `oci:DIR` or a repository
    #[arg(long, value_name = "oci:DIR|REPOSITORY")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Folder of definitions [default: the embedded catalog]
    #[arg(long, value_name = "DIR")]
    pub(crate) catalog: Option<PathBuf>,
}
