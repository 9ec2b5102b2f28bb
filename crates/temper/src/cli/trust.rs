//! The command line of `temper verify`, `temper reproduce` and `temper explain`.

use clap::{ArgGroup, Args};
use temper_oci::Platform;

/// Whose word counts.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// Public key: a PEM file, its address, or the id of one of the data folder, `sha256:…`; may be repeated, any of them
    /// counts [default: the keys of the data folder]
    #[arg(long = "key", value_name = "FILE|URL|ID")]
    pub(crate) keys: Vec<String>,
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper verify 127.0.0.1:5080/acme/dhi-python:3.13_custom
  temper verify registry.example/acme/dhi-python:3.13_custom --key https://registry.example/keyring/latest.pub
  temper verify mirror.example/python:3.13_custom --repository acme/dhi-python --key acme.pub
  temper verify oci:result:3.13_custom --repository acme/dhi-python --key temper.pub --json")]
pub(crate) struct Verify {
    /// The image: a reference or `oci:DIR[:TAG]`
    #[arg(value_name = "REF|oci:DIR[:TAG]")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Repository that the image was built for, where it was copied from there [default: the reference's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Where else the base and artifacts may be: a layout or a repository; may be repeated
    #[arg(long = "input", value_name = "oci:DIR|REPOSITORY")]
    pub(crate) inputs: Vec<String>,
}

/// Options of `reproduce`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  temper reproduce 127.0.0.1:5080/acme/dhi-python:3.13_custom
  temper reproduce registry.example/acme/dhi-python@sha256:… --key publisher.pub --json
  temper reproduce oci:result:3.13_custom --input oci:python-layout")]
pub(crate) struct Reproduce {
    /// The image: a reference or `oci:DIR[:TAG]`
    #[arg(value_name = "REF|oci:DIR[:TAG]")]
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Where else the base and artifacts may be: a layout or a repository; may be repeated
    #[arg(long = "input", value_name = "oci:DIR|REPOSITORY")]
    pub(crate) inputs: Vec<String>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["path", "env", "user"])))]
#[command(after_help = "Examples:
  temper explain 127.0.0.1:5080/acme/dhi-python:3.13_custom /usr/bin/curl
  temper explain oci:result --env PATH
  temper explain oci:result --user app --platform linux/arm64")]
pub(crate) struct Explain {
    /// The image: a reference or `oci:DIR[:TAG]`
    #[arg(value_name = "REF|oci:DIR[:TAG]")]
    pub(crate) image: String,
    /// Path in the image
    pub(crate) path: Option<String>,
    /// Environment variable
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// User or group
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Which platform [default: the first of the image]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    #[command(flatten)]
    pub(crate) trust: Trust,
}
