//! What the commands that speak with a server have in common.

use std::process::ExitCode;

use serde::Serialize;
use tokio::runtime::Handle;

use crate::cli::{Global, ServerOptions};
use crate::client::Client;
use crate::printing;

/// A server, and how results are printed.
pub(crate) struct Api {
    pub(crate) client: Client,
    /// Whether results are printed as JSON.
    pub(crate) json: bool,
}

impl Api {
    /// Opens the server that options, environment or the last login name.
    pub(crate) fn open(
        global: &Global,
        options: &ServerOptions,
        runtime: &Handle,
    ) -> Result<Self, anyhow::Error> {
        Ok(Self { client: Client::open(global, options, runtime)?, json: global.json })
    }

    /// Prints a result.
    pub(crate) fn print(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<ExitCode, anyhow::Error> {
        printing::print(self.json, value, text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints a list as a table.
    pub(crate) fn print_list<T: Serialize>(
        &self,
        items: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<ExitCode, anyhow::Error> {
        self.print(&serde_json::json!({ "items": items }), || {
            printing::table(head, &items.iter().map(row).collect::<Vec<_>>())
        })
    }

    /// Prints that something was done: one line, or an object that names it.
    pub(crate) fn print_done(&self, done: &str) -> Result<ExitCode, anyhow::Error> {
        self.print(&serde_json::json!({ "done": done }), || format!("{done}\n"))
    }
}

/// Splits `acme/python` into organization and name, as paths of the API have them.
pub(crate) fn split(repository: &str) -> Result<(&str, &str), anyhow::Error> {
    repository
        .split_once('/')
        .filter(|(organization, name)| !organization.is_empty() && !name.is_empty())
        .ok_or_else(|| {
            let error = anyhow::anyhow!("`{repository}` is not the name of a repository");
            crate::failure::Failure::usage(error).hint("write organization and name, `acme/python`").into()
        })
}
