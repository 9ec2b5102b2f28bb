//! The command line of `temper plan` and `temper build`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Signing;

/// What a plan and a build have in common.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The customization document; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The base image: `oci:DIR[:TAG]` or a reference [default: the target's repository and tag]
    #[arg(long, value_name = "oci:DIR|REF")]
    pub(crate) base: Option<String>,
    /// Where repositories without a registry host are found, for artifacts and targets
    #[arg(long, value_name = "HOST[:PORT]", env = "TEMPER_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// Take an artifact from an OCI layout: `acme/certs:v1=oci:DIR`; may be repeated
    #[arg(long, value_name = "NAME=oci:DIR")]
    pub(crate) artifact: Vec<String>,
    /// Folder of definitions that tell the tags of a tag definition id [default: the embedded catalog]
    #[arg(long, value_name = "DIR")]
    pub(crate) catalog: Option<PathBuf>,
}

/// Options of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper plan customization.yaml --base oci:python-layout
  temper plan customization.yaml --base registry.example/acme/dhi-python:3.13 --json
  temper plan customization.yaml --server 127.0.0.1:5080")]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Options of `build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper build customization.yaml --base oci:python-layout --output oci:result
  temper build customization.yaml --server 127.0.0.1:5080
  temper build customization.yaml --base registry.example/acme/dhi-python:3.13 --output registry.example/acme/dhi-python")]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Where the image goes: `oci:DIR` or a repository [default: the target's repository on the server]
    #[arg(long, value_name = "oci:DIR|REPOSITORY")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Public key whose VEX statements about the base are passed on, beside the own keys: a file or `https://…`; may be
    /// repeated
    #[arg(long, value_name = "FILE|URL", conflicts_with = "no_sign")]
    pub(crate) base_key: Vec<String>,
}
