//! `cargo xtask oracle`: does `temper plan` choose the packages that apt chooses?
//!
//! The same sets are asked of apt, in simulation over the base image's own package database, and of Temper. The answers
//! are compared to the package, version, architecture and action, for each platform; the page docs/oracle.md keeps the
//! last result.

mod base;
mod closure;
mod page;
mod plan;
mod sets;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::apt::{Answer, Apt};
use crate::invocation::Invocation;
use crate::oracle::base::Layout;
use crate::oracle::closure::Archive;
use crate::oracle::page::Comparison;
use crate::oracle::plan::Planner;
use crate::temper::Temper;
use crate::workspace::Workspace;

const SUITE: &str = "trixie";
const ARCHITECTURES: &[&str] = &["amd64", "arm64"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// OCI layout of the base [default: the catalog's python image, built once]
    #[arg(long)]
    base: Option<PathBuf>,
    /// Compare only sets that contain this word
    #[arg(long)]
    filter: Option<String>,
    /// Print what apt chooses and what would be compared, without asking Temper
    #[arg(long)]
    apt_only: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let sets = sets::read(workspace, arguments.filter.as_deref())?;
    let temper = Temper::build_release(workspace)?;
    let base = match &arguments.base {
        Some(base) => base.canonicalize()?,
        None => build_base(workspace, &temper)?,
    };
    let layout = Layout::open(&base)?;
    let planner = Planner::new(&temper, &base, workspace.scratch("oracle"))?;
    let mut comparisons = Vec::new();
    let machines = ARCHITECTURES
        .iter()
        .map(|architecture| {
            let apt = Apt::open(workspace, SUITE, architecture)?;
            let archive = Archive::parse(&apt.records()?);
            Ok((*architecture, apt, archive, layout.package_database(architecture)?))
        })
        .collect::<Result<Vec<_>>>()?;
    for set in &sets {
        let answers = machines
            .iter()
            .map(|(_, apt, _, status)| apt.install(status, &sets::apt_requests(set)))
            .collect::<Result<Vec<_>>>()?;
        let planned = if arguments.apt_only { None } else { Some(planner.plan(set, ARCHITECTURES)?) };
        for ((architecture, _, archive, _), apt) in machines.iter().zip(answers) {
            let traits = match &apt {
                Answer::Choices(choices) => archive.traits(set, choices),
                Answer::Refused(_) => archive.traits(set, &[]),
            };
            let temper = planned.as_ref().map(|answer| answer.of(architecture));
            let comparison = Comparison { set: set.join(" "), architecture, traits, apt, temper };
            println!("{}", comparison.line());
            comparisons.push(comparison);
        }
    }
    finish(workspace, arguments, &comparisons)
}

/// A complete run is written down; every difference fails the command.
fn finish(workspace: &Workspace, arguments: &Arguments, comparisons: &[Comparison]) -> Result<()> {
    if arguments.apt_only {
        println!("{}", page::summary(comparisons));
        return Ok(());
    }
    if arguments.filter.is_none() {
        page::write(workspace, comparisons)?;
    }
    println!("{}", page::summary(comparisons));
    let different = comparisons.iter().filter(|comparison| !comparison.is_equal()).count();
    if different > 0 {
        bail!("{different} of {} answers differ", comparisons.len());
    }
    Ok(())
}

/// The catalog's python image as an OCI layout, built if it is not there yet.
pub(crate) fn build_base(workspace: &Workspace, temper: &Temper) -> Result<PathBuf> {
    catalog_image(workspace, temper, "python/debian-13/3.13")
}

/// An image of the catalog as an OCI layout, built if it is not there yet.
pub(crate) fn catalog_image(workspace: &Workspace, temper: &Temper, id: &str) -> Result<PathBuf> {
    let layout = workspace.scratch("catalog").join(id.replace('/', "-"));
    if layout.join("index.json").exists() {
        return Ok(layout);
    }
    let output = format!("oci:{}", layout.display());
    let command: Invocation = temper.command().args(["catalog", "build", id, "--output", &output]);
    command.env("HOME", workspace.scratch("home")).run()?;
    Ok(layout)
}
