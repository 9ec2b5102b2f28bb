//! A way to the registry: its name, whether it speaks TLS, and who logs in.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::e2e::client::Client;
use crate::e2e::podman;
use crate::e2e::scenario::Scenario;

/// Where clients find the registry and what they bring; each place has its own files of every client.
pub(crate) struct Place {
    name: &'static str,
    /// Host and port, as they stand in references.
    host: String,
    /// The folder of the clients' files.
    directory: PathBuf,
    /// The authority that signed the server's certificate; without one the place speaks plain HTTP.
    authority: Option<PathBuf>,
    login: Option<Login>,
}

/// A name and a password.
#[derive(Clone, Copy)]
pub(crate) struct Login {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

impl Place {
    /// A place without TLS where nobody logs in.
    pub(crate) fn plain(scenario: &Scenario, name: &'static str, host: String) -> Result<Self> {
        let directory = scenario.path(name);
        fs::create_dir_all(&directory)?;
        // Some clients refuse a file of credentials that does not exist.
        fs::write(directory.join("config.json"), "{}")?;
        Ok(Self { name, host, directory, authority: None, login: None })
    }

    /// The same over TLS, with a certificate of the example's private authority.
    pub(crate) fn with_private_authority(self, scenario: &Scenario) -> Self {
        let authority = scenario.repository_path("examples/private-ca/temper-example-ca.crt");
        Self { authority: Some(authority), ..self }
    }

    /// The same where clients log in first.
    pub(crate) fn with_login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    pub(crate) fn name(&self) -> &str {
        self.name
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What stands in references to a repository, with a tag or not.
    pub(crate) fn reference(&self, repository: &str) -> String {
        format!("{}/acme/{}/{repository}", self.host, self.name)
    }

    /// A file of this place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A client that looks for its credentials in the place's folder and trusts the place's authority alone.
    pub(crate) fn tool<'a>(&self, scenario: &'a Scenario<'a>, name: &str) -> Result<Client<'a>> {
        scenario.tool(name).map(|client| self.surroundings(client))
    }

    /// One of the clients that share the library of podman.
    pub(crate) fn container_tool<'a>(&self, scenario: &'a Scenario<'a>, name: &str) -> Result<Client<'a>> {
        let client = match name {
            "podman" => podman::podman(scenario)?,
            name => scenario.tool(name)?,
        };
        Ok(self.surroundings(client).env("REGISTRY_AUTH_FILE", self.path("config.json")))
    }

    /// `options` where the place speaks plain HTTP.
    pub(crate) fn tls_options<'a>(&self, options: &[&'a str]) -> Vec<&'a str> {
        if self.authority.is_some() { Vec::new() } else { options.to_vec() }
    }

    /// The option of clients that take every local name for plain HTTP unless they are told.
    pub(crate) fn plain_http(&self) -> &'static str {
        if self.authority.is_some() { "--plain-http=false" } else { "--plain-http=true" }
    }

    /// Logs in with `command`, to which what it asks for is added; a wrong password is refused.
    pub(crate) fn log_in<'a>(&self, command: impl Fn() -> Result<Client<'a>>) -> Result<()> {
        if self.login.is_some() {
            command()?.args(self.login_options("wrong")).fails()?;
        }
        self.keep_login(command)
    }

    /// The same with a client that does not ask the registry when it logs in.
    pub(crate) fn keep_login<'a>(&self, command: impl Fn() -> Result<Client<'a>>) -> Result<()> {
        match self.login {
            Some(login) => command()?.args(self.login_options(login.password)).succeeds().map(drop),
            None => Ok(()),
        }
    }

    fn login_options(&self, password: &str) -> Vec<String> {
        let user = self.login.map_or("", |login| login.user);
        vec![format!("--username={user}"), format!("--password={password}"), self.host.clone()]
    }

    fn surroundings<'a>(&self, client: Client<'a>) -> Client<'a> {
        let client = client.env("HOME", &self.directory).env("DOCKER_CONFIG", &self.directory);
        match &self.authority {
            Some(authority) => client.env("SSL_CERT_FILE", authority),
            None => client,
        }
    }
}
