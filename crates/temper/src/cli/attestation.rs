//! The command line of `temper attestation`; names and options are those of `docker dhi attestation`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use temper_oci::Platform;

/// What to do with attestations.
#[derive(Debug, Subcommand)]
pub(crate) enum Attestation {
    /// List the attestations of an image
    List(AttestationList),
    /// Print one attestation: the statement that was signed
    Get(AttestationGet),
    /// Show the packages that the SBOM of an image lists
    Sbom(AttestationSbom),
    /// Print commands and policies that verify an image: cosign, Kyverno, policy-controller, CUE
    Howto(AttestationHowto),
}

/// Which image, and whose word counts.
#[derive(Debug, Args)]
pub(crate) struct AttestedImage {
    /// The image, a reference or `oci:DIR[:TAG]`
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// Platform of an image that has several [default: this machine's]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Public key to verify with: a file, `https://…`, or the id of one of the data folder, `sha256:…`; may be repeated
    /// [default: the keys of the data folder]
    #[arg(long, value_name = "FILE|URL|ID")]
    pub(crate) key: Vec<String>,
}

/// Options of `attestation list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper attestation list 127.0.0.1:5080/acme/dhi-python:3.13_custom
  temper attestation list registry.example/acme/dhi-python:3.13_custom --platform linux/arm64 --json
  temper attestation list oci:result --predicate-type https://spdx.dev/Document")]
pub(crate) struct AttestationList {
    #[command(flatten)]
    pub(crate) image: AttestedImage,
    /// Show only this type; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) predicate_type: Vec<String>,
}

/// Options of `attestation get`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper attestation get registry.example/acme/dhi-python:3.13_custom sha256:… -o provenance.json
  temper attestation get registry.example/acme/dhi-python:3.13_custom sha256:… | jq .predicate")]
pub(crate) struct AttestationGet {
    #[command(flatten)]
    pub(crate) image: AttestedImage,
    /// Digest of the attestation, as `temper attestation list` shows it
    pub(crate) digest: temper_oci::Digest,
    /// File to write to [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Take what no known key has signed as well, with a warning
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
}

/// Options of `attestation sbom`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper attestation sbom registry.example/acme/dhi-python:3.13_custom --platform linux/arm64
  temper attestation sbom oci:result --json > image.spdx.json")]
pub(crate) struct AttestationSbom {
    #[command(flatten)]
    pub(crate) image: AttestedImage,
    /// Take what no known key has signed as well, with a warning
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
}

/// Options of `attestation howto`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper attestation howto registry.example/acme/dhi-python:3.13_custom
  temper attestation howto registry.example/acme/dhi-python:3.13_custom --output verify
  kubectl apply -f verify/kyverno.yaml")]
pub(crate) struct AttestationHowto {
    #[command(flatten)]
    pub(crate) image: AttestedImage,
    /// Folder to write the files to [default: everything is printed as one page]
    #[arg(short = 'o', long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}
