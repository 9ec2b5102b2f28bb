//! cosign, both versions in use, with one key and without any network but the registry's.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context, Result};

use crate::e2e::client::Client;
use crate::e2e::scenario::Scenario;

/// The programs, by the names that tools know them under.
pub(super) const COSIGNS: [&str; 2] = ["cosign", "cosign3"];
/// What `--type` takes for the statements of an image.
pub(super) const TYPES: [&str; 4] = ["slsaprovenance1", "spdxjson", "cyclonedx", "openvex"];
/// The predicate types of the same.
pub(super) const PREDICATE_TYPES: &[&str] = &[
    "https://slsa.dev/provenance/v1",
    "https://spdx.dev/Document",
    "https://cyclonedx.org/bom",
    "https://openvex.dev/ns",
];
/// The predicate type of a signature.
pub(super) const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A version of cosign with a public key: a file, or an address.
pub(super) struct Cosign<'a> {
    scenario: &'a Scenario<'a>,
    program: &'static str,
    key: String,
}

impl<'a> Cosign<'a> {
    pub(super) fn new(scenario: &'a Scenario<'a>, program: &'static str, key: &str) -> Self {
        Self { scenario, program, key: key.to_owned() }
    }

    /// The version of the Debian package that the program is from; the program itself says `devel`.
    pub(super) fn version(&self) -> Result<String> {
        let program = self.scenario.tool_path(self.program)?;
        let package = program.parent().and_then(Path::parent).context("the program has no package")?;
        let path = package.join("share/doc/cosign/changelog.Debian.gz");
        let file = fs::File::open(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut line = String::new();
        BufReader::new(flate2::read::GzDecoder::new(file)).read_line(&mut line)?;
        let version = line.split(['(', ')']).nth(1);
        version.map(str::to_owned).with_context(|| format!("no version in `{line}`"))
    }

    pub(super) fn verify(&self, name: &str) -> Result<String> {
        self.with_key(&["verify"])?.args([name]).succeeds()
    }

    pub(super) fn refuses(&self, name: &str) -> Result<()> {
        self.with_key(&["verify"])?.args([name]).fails().map(drop)
    }

    pub(super) fn verify_attestation(&self, name: &str, kind: &str) -> Result<String> {
        self.with_key(&["verify-attestation", "--type", kind])?.args([name]).succeeds()
    }

    pub(super) fn refuses_attestation(&self, name: &str, kind: &str) -> Result<()> {
        self.with_key(&["verify-attestation", "--type", kind])?.args([name]).fails().map(drop)
    }

    pub(super) fn tree(&self, name: &str) -> Result<String> {
        self.command(&["tree", name])?.succeeds()
    }

    /// The public half of a key that signs nothing, made where it is missing.
    pub(super) fn other_key(&self) -> Result<String> {
        let prefix = self.scenario.path("stranger").display().to_string();
        let public = format!("{prefix}.pub");
        if !Path::new(&public).exists() {
            self.command(&["generate-key-pair", "--output-key-prefix", &prefix])?.succeeds()?;
        }
        Ok(public)
    }

    /// Runs a script of `folder` in which `cosign` is this version.
    pub(super) fn script(&self, folder: &Path, name: &str) -> Result<Client<'a>> {
        let programs = self.scenario.path(format!("{}-path", self.program));
        fs::create_dir_all(&programs)?;
        let link = programs.join("cosign");
        if !link.exists() {
            std::os::unix::fs::symlink(self.scenario.tool_path(self.program)?, &link)?;
        }
        let path = format!("{}:/usr/bin:/bin", programs.display());
        let script = format!("cd {} && sh {name}", folder.display());
        Ok(self.surroundings(self.scenario.tool("sh")?)?.env("PATH", path).args(["-c", &script]))
    }

    /// A command that is about no key.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<Client<'a>> {
        Ok(self.surroundings(self.scenario.tool(self.program)?)?.args(arguments))
    }

    /// A home of its own, without a password for what is made there.
    fn surroundings(&self, client: Client<'a>) -> Result<Client<'a>> {
        let home = self.scenario.path(self.program);
        fs::create_dir_all(&home)?;
        Ok(client.env("COSIGN_PASSWORD", "").env("HOME", &home).env("DOCKER_CONFIG", &home))
    }

    fn with_key(&self, arguments: &[&str]) -> Result<Client<'a>> {
        Ok(self.command(arguments)?.args(["--insecure-ignore-tlog", "--key", &self.key]))
    }
}
