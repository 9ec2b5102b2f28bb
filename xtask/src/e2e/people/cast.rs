//! Who takes part: each with a home folder, and so a login, of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::client::Client;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;

/// The password of everybody but the administrator.
pub(crate) const PASSWORD: &str = "a good password";

/// A server with people.
pub(crate) struct Cast<'a> {
    scenario: &'a Scenario<'a>,
    server: Server,
    data: PathBuf,
}

impl<'a> Cast<'a> {
    /// Starts a server over an empty folder, and logs in its administrator.
    pub(crate) fn begin(scenario: &'a Scenario<'a>) -> Result<Self> {
        let data = scenario.path("data");
        let arguments = ["serve".as_ref(), "--json".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
        let server = scenario.serve_with_people(&arguments)?;
        let said = server.said()?;
        let password = said["admin_password"].as_str().context("the password is shown")?.to_owned();
        ensure!(password.len() >= 20, "the password `{password}` is short");
        let cast = Self { scenario, server, data };
        cast.log_in("admin", &password)?;
        Ok(cast)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A command of somebody.
    pub(crate) fn temper(&self, who: &str) -> Client<'a> {
        let home = self.scenario.path(format!("home-{who}"));
        self.scenario.temper().env("HOME", home)
    }

    /// A command of whoever has an access token.
    pub(crate) fn with_token(&self, token: &str) -> Client<'a> {
        let server = format!("http://{}", self.address());
        self.temper("nobody").env("TEMPER_SERVER", server).env("TEMPER_TOKEN", token)
    }

    /// A command that reads a text from standard input.
    pub(crate) fn typing(&self, who: &str, arguments: &[&str], text: &str) -> Result<Client<'a>> {
        let file = self.scenario.path(format!("typed-{who}"));
        fs::write(&file, text)?;
        self.temper(who).args(arguments).input(&file)
    }

    /// Logs somebody in.
    pub(crate) fn log_in(&self, who: &str, password: &str) -> Result<()> {
        fs::create_dir_all(self.scenario.path(format!("home-{who}")))?;
        let server = format!("http://{}", self.address());
        let arguments = ["login", &server, "--user", who, "--password-stdin"];
        self.typing(who, &arguments, password)?.succeeds().map(drop)
    }

    /// Makes the organization `acme` of olga, with the members mia and max, who is in a team that writes `acme/dhi-*`;
    /// sam stands outside.
    pub(crate) fn people(&self) -> Result<()> {
        for name in ["olga", "mia", "max", "sam"] {
            self.typing("admin", &["user", "create", name], PASSWORD)?.succeeds()?;
            self.log_in(name, PASSWORD)?;
        }
        self.temper("admin").args(["org", "create", "acme", "--owner", "olga"]).succeeds()?;
        for command in [
            "org member add acme mia",
            "org member add acme max",
            "team create --org acme developers",
            "team member add --org acme developers max",
            "team right set --org acme developers acme/dhi-* write",
            "repo set acme/dhi-app --description app",
            "repo set acme/secret --description secret",
        ] {
            self.temper("olga").args(command.split(' ')).succeeds()?;
        }
        let team = self.json("mia", "team get --org acme developers")?;
        ensure!(team["members"][0] == "max" && team["rights"][0]["right"] == "write", "{team}");
        Ok(())
    }

    /// Runs a command of somebody, and returns its result.
    pub(crate) fn json(&self, who: &str, command: &str) -> Result<Value> {
        let text = self.temper(who).args(command.split(' ')).args(["--json"]).succeeds()?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// Starts a server twice over another folder.
    pub(crate) fn starts_again(&self, scenario: &Scenario) -> Result<()> {
        let copy = scenario.path("data-again");
        fs::create_dir_all(&copy)?;
        ensure!(self.data.join("temper.db").exists(), "the records are in the data folder");
        let arguments = ["serve".as_ref(), "--json".as_ref(), "--data-dir".as_ref(), copy.as_os_str()];
        let start = |more: &[&str]| -> Result<Value> {
            let more: Vec<&std::ffi::OsStr> = more.iter().map(std::ffi::OsStr::new).collect();
            scenario.serve_with_people(&[&arguments[..], &more].concat())?.said()
        };
        let first = start(&[])?;
        ensure!(first["admin_password"].is_string(), "{first}");
        let second = start(&[])?;
        ensure!(second.get("admin_password").is_none(), "{second}");
        let reset = start(&["--reset-admin"])?;
        ensure!(reset["admin_password"].is_string() && reset != first, "{reset}");
        Ok(())
    }
}
