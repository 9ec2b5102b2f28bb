//! The command line of `temper bundle`.

use clap::{Args, Subcommand};

/// What to do with bundles: images with everything that proves them, for networks without a way out.
#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Write images with their signatures, attestations and public keys into one layout
    Export(BundleExport),
    /// Verify a bundle, and push its images to a registry
    Import(BundleImport),
}

/// Options of `bundle export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper bundle export registry.example/acme/dhi-python:3.13_custom --output images.tar
  temper bundle export registry.example/acme/a:1 registry.example/acme/b:2 --output oci:images --packages
  temper bundle export registry.example/acme/dhi-python:3.13_custom --output images.tar --inputs")]
pub(crate) struct BundleExport {
    /// Images of registries, each with a tag or a digest
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    /// Where to: a layout, which may have images already, or an archive of one
    #[arg(short = 'o', long, value_name = "oci:DIR|FILE.tar")]
    pub(crate) output: String,
    /// Public key to verify with: a file, `https://…`, or the id of one of the data folder, `sha256:…`; may be repeated
    /// [default: the keys of the data folder]
    #[arg(long, value_name = "FILE|URL|ID")]
    pub(crate) key: Vec<String>,
    /// Repository that the images were built for, where they were copied from there [default: each one's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Add the package files that the images were built from, as far as the data folder has them
    #[arg(long)]
    pub(crate) packages: bool,
    /// Add everything that the images were built from, so that they can be built again where nothing else can be reached:
    /// base, artifacts, and all package files
    #[arg(long)]
    pub(crate) inputs: bool,
    /// Where bases and artifacts are looked for beside the data folder and their registries; may be repeated
    #[arg(long = "input", value_name = "oci:DIR|REPOSITORY", requires = "inputs")]
    pub(crate) places: Vec<String>,
}

/// Options of `bundle import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper bundle import images.tar --key temper.pub
  temper bundle import images.tar --key sha256:… --output registry.internal:5000
  temper bundle import oci:images --key temper.pub --output 127.0.0.1:5080/mirror")]
pub(crate) struct BundleImport {
    /// The bundle
    #[arg(value_name = "oci:DIR|FILE.tar")]
    pub(crate) bundle: String,
    /// Public key that must have signed: a file, `https://…`, or the id of a key of the bundle, `sha256:…`; may be
    /// repeated
    #[arg(long, value_name = "FILE|URL|ID", required = true)]
    pub(crate) key: Vec<String>,
    /// Repository that the images were built for, where they were copied from there [default: each one's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Registry to push to, with or without a path before the repositories [default: only verify]
    #[arg(short = 'o', long, value_name = "HOST[/PATH]")]
    pub(crate) output: Option<String>,
}
