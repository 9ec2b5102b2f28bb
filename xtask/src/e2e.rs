//! `cargo xtask e2e`: the real binary against the real clients.
//!
//! A suite is a function of a [`Scenario`], one file each below `e2e/` and one row in [`SUITES`]. It prepares with
//! [`Scenario::setup`], whose failure ends the suite, and tests with [`Scenario::check`], each of which stands alone.

mod client;
mod clients;
mod command_line;
mod compression;
mod conformance;
mod crash;
mod determinism;
mod example;
mod hub;
mod image;
mod mistakes;
mod object_store;
mod people;
mod podman;
mod quickstart;
mod registries;
mod reproduce;
mod sbom;
mod scenario;
mod second;
mod server;
mod slow_mirror;
mod tls;
mod trust;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::e2e::scenario::{Scenario, Tally};
pub(crate) use crate::e2e::server::{Server, free_address};
use crate::temper::Temper;
use crate::workspace::Workspace;

#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Run only these: a suite, or `suite::part of a check's name`
    filter: Option<String>,
    /// Use the release binary, as a user does
    #[arg(long)]
    release: bool,
    /// Use this binary instead of building one
    #[arg(long, conflicts_with = "release")]
    binary: Option<PathBuf>,
}

struct Suite {
    name: &'static str,
    run: fn(&Scenario) -> Result<()>,
}

/// What runs only when it is named: its programs take long to build.
const ON_REQUEST: &[Suite] = &[Suite { name: "scanners", run: sbom::scanners }];

const SUITES: &[Suite] = &[
    // First, because it needs an empty data folder, which it then leaves to the others.
    Suite { name: "quickstart", run: quickstart::suite },
    Suite { name: "command_line", run: command_line::suite },
    Suite { name: "compression", run: compression::suite },
    Suite { name: "conformance", run: conformance::suite },
    Suite { name: "clients", run: clients::suite },
    Suite { name: "people", run: people::suite },
    Suite { name: "sbom", run: sbom::suite },
    Suite { name: "registries", run: registries::suite },
    Suite { name: "trust", run: trust::suite },
    Suite { name: "hub", run: hub::suite },
    Suite { name: "crash", run: crash::suite },
    Suite { name: "object_store", run: object_store::suite },
    Suite { name: "determinism", run: determinism::suite },
    Suite { name: "reproduce", run: reproduce::suite },
];

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let temper = match &arguments.binary {
        Some(binary) => Temper::at(binary.canonicalize()?),
        None if arguments.release => Temper::build_release(workspace)?,
        None => Temper::build(workspace)?,
    };
    let folder = workspace.scratch("e2e");
    if folder.exists() {
        podman::unmount_below(&folder)?;
        fs::remove_dir_all(&folder)?;
    }
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let (suite_filter, check_filter) = filter.split_once("::").unwrap_or((filter, ""));
    let mut tally = Tally::default();
    let suites = SUITES.iter().filter(|suite| suite.name.contains(suite_filter));
    let on_request = ON_REQUEST.iter().filter(|suite| suite.name == suite_filter);
    for suite in suites.chain(on_request) {
        let scenario = Scenario::new(workspace, &temper, suite.name, folder.join(suite.name), check_filter)?;
        // A failed setup has been counted and shown where it happened.
        let _ = (suite.run)(&scenario);
        tally.add(&scenario.tally());
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 {
        bail!("{} end-to-end tests failed; their logs are in {}", tally.failed, folder.display());
    }
    Ok(())
}
