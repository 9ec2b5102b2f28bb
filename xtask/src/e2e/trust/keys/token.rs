//! A token of SoftHSM with a key for elliptic curves.

use std::fs;

use anyhow::{Context, Result};

use crate::e2e::client::Client;
use crate::e2e::scenario::Scenario;

const LABEL: &str = "temper test";
const PIN: &str = "314159";
const OFFICER_PIN: &str = "271828";
/// Where Debian keeps the module, on every architecture.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// An initialized token.
pub(super) struct Token {
    configuration: String,
}

impl Token {
    /// Makes a token, and in it the key `release`.
    pub(super) fn new(scenario: &Scenario) -> Result<Self> {
        let tokens = scenario.path("tokens");
        fs::create_dir_all(&tokens)?;
        let configuration = scenario.path("softhsm2.conf");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        fs::write(&configuration, text).context("writing the configuration of SoftHSM")?;
        let token = Self { configuration: configuration.display().to_string() };
        let pins = ["--pin", PIN, "--so-pin", OFFICER_PIN];
        let make = scenario.tool("softhsm2-util")?.args(["--init-token", "--free", "--label", LABEL]);
        token.with_pin(make.args(pins)).succeeds()?;
        let generate = scenario.tool("pkcs11-tool")?.args(["--module", MODULE, "--token-label", LABEL]);
        let generate =
            generate.args(["--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:prime256v1"]);
        token.with_pin(generate.args(["--label", "release", "--id", "01"])).succeeds()?;
        Ok(token)
    }

    /// A command that finds the token and knows its PIN.
    pub(super) fn with_pin<'a>(&self, client: Client<'a>) -> Client<'a> {
        client.env("SOFTHSM2_CONF", &self.configuration).env("COSIGN_PKCS11_PIN", PIN)
    }
}

/// The address of a key of the token.
pub(super) fn address(object: &str) -> String {
    let token = LABEL.replace(' ', "%20");
    format!("pkcs11:token={token};object={object}?module-path={MODULE}")
}
