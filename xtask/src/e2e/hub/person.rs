//! Somebody who has logged in to a server, with logins of their own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::e2e::client::Client;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;

/// Somebody with a folder in which logins are kept.
pub(crate) struct Person<'a> {
    scenario: &'a Scenario<'a>,
    folder: PathBuf,
    pub(crate) password: String,
}

impl Person<'_> {
    /// The program, as this person runs it.
    pub(crate) fn client(&self) -> Client<'_> {
        let docker = self.folder.join("docker");
        let client =
            self.scenario.temper().env("XDG_CONFIG_HOME", &self.folder).env("DOCKER_CONFIG", &docker);
        client.env("XDG_DATA_HOME", self.folder.join("data"))
    }

    /// Runs a command that must succeed; returns what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        self.client().args(arguments).succeeds()
    }

    /// Runs a command with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        image::json(&self.client().args(arguments).args(["--json"]).succeeds()?)
    }
}

/// Logs somebody in, to the API by `temper login` and to the registry by what Docker keeps.
pub(crate) fn log_in<'a>(
    scenario: &'a Scenario<'a>,
    server: &Server,
    name: &str,
    password: &str,
) -> Result<Person<'a>> {
    let folder = scenario.path(format!("home-{name}"));
    fs::create_dir_all(folder.join("docker")).context("making a folder")?;
    let secret = folder.join("password");
    fs::write(&secret, password).context("writing a password")?;
    let person = Person { scenario, folder, password: password.to_owned() };
    let url = format!("http://{}", server.address());
    person.client().args(["login", &url, "--user", name, "--password-stdin"]).input(&secret)?.succeeds()?;
    let authfile = person.folder.join("docker/config.json");
    let login = ["login", "--tls-verify=false", "--username", name, "--password-stdin", "--authfile"];
    let login = scenario.tool("skopeo")?.args(login).args([authfile.as_os_str()]);
    login.args([server.address().to_string()]).input(&secret)?.succeeds()?;
    Ok(person)
}
