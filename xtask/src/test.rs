//! `cargo xtask test`: everything that a change must pass, from a machine that has only Rust and Go.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::e2e;
use crate::invocation::Invocation;
use crate::postgres::{self, Postgres};
use crate::tools::{self, TEST_TOOLS};
use crate::workspace::Workspace;

/// The crates whose tests keep records, and run once more over `PostgreSQL`.
const KEEP_RECORDS: [&str; 4] = ["temper-store", "temper-registry", "temper-hub", "temper-web"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the end-to-end tests out
    #[arg(long)]
    no_e2e: bool,
    /// Run only the tests of records, over PostgreSQL
    #[arg(long)]
    postgres: bool,
    /// Arguments for `cargo test`; behind `--postgres`, filters of test names
    #[arg(last = true)]
    cargo: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.postgres {
        tools::require(workspace, &["initdb"])?;
        return over_postgres(workspace, &arguments.cargo);
    }
    if !arguments.no_e2e {
        tools::require(workspace, TEST_TOOLS)?;
    }
    workspace.cargo().args(["test", "--workspace"]).args(&arguments.cargo).run()?;
    if tools::debian::program("initdb").is_some() {
        over_postgres(workspace, &[])?;
    } else {
        println!("skipped the tests of records over PostgreSQL: the package `postgresql` is not installed");
    }
    if arguments.no_e2e {
        return Ok(());
    }
    e2e::run(workspace, &e2e::Arguments::default())
}

/// Runs the tests of records as they were built, so that they get no other features, beside a server of their own.
fn over_postgres(workspace: &Workspace, filters: &[String]) -> Result<()> {
    let programs = programs(workspace)?;
    let server = Postgres::start()?;
    for (program, folder) in programs {
        Invocation::new(program)
            .args(filters)
            .directory(&folder)
            .env(postgres::VARIABLE, server.url())
            .run()?;
    }
    Ok(())
}

/// Lists the test programs of the crates that keep records, each with the folder of its crate.
fn programs(workspace: &Workspace) -> Result<Vec<(PathBuf, PathBuf)>> {
    let build = ["test", "--workspace", "--no-run", "--message-format=json"];
    let messages = workspace.cargo().args(build).output()?;
    let mut programs = Vec::new();
    for message in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(message).context("reading what cargo built")?;
        let (Some(program), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str())
        else {
            continue;
        };
        let folder = Path::new(manifest).parent().context("a manifest is in a folder")?;
        let name = folder.file_name().map(|name| format!("temper-{}", name.to_string_lossy()));
        if message["profile"]["test"] == true
            && name.is_some_and(|name| KEEP_RECORDS.contains(&name.as_str()))
        {
            programs.push((PathBuf::from(program), folder.to_owned()));
        }
    }
    programs.sort();
    Ok(programs)
}
