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
use std::thread;

use anyhow::{Result, bail};

use crate::apt::{Answer, Apt};
use crate::invocation::Invocation;
use crate::oracle::base::Layout;
use crate::oracle::closure::Archive;
use crate::oracle::page::Comparison;
use crate::oracle::plan::Planner;
use crate::temper::Temper;
use crate::workspace::Workspace;

const BASE: &str = "python/debian-13/3.13";
const SUITE: &str = "trixie";
const ARCHITECTURES: &[&str] = &["amd64", "arm64"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// OCI layout of the base [default: the catalog's python image, built once]
    #[arg(long)]
    base: Option<PathBuf>,
    /// Use this binary instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Compare only sets that contain this word
    #[arg(long)]
    filter: Option<String>,
    /// Print what apt chooses and what would be compared, without asking Temper
    #[arg(long)]
    apt_only: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let sets = sets::read(workspace, arguments.filter.as_deref())?;
    let temper = match &arguments.binary {
        Some(binary) => Temper::at(binary.canonicalize()?),
        None if arguments.apt_only && arguments.base.is_some() => Temper::at(PathBuf::new()),
        None => Temper::build_release(workspace)?,
    };
    let base = match &arguments.base {
        Some(base) => base.canonicalize()?,
        None => catalog_image(workspace, &temper, BASE)?,
    };
    let layout = Layout::open(&base)?;
    let planner = Planner::new(&temper, &base, workspace.scratch("oracle"))?;
    let mut comparisons = Vec::new();
    let machines = ARCHITECTURES
        .iter()
        .map(|name| Machine::open(workspace, &layout, name))
        .collect::<Result<Vec<_>>>()?;
    for set in &sets {
        let answers = ask_apt(&machines, &sets::apt_requests(set))?;
        for (machine, apt) in machines.iter().zip(answers) {
            let traits = match &apt {
                Answer::Choices(choices) => machine.archive.traits(set, choices),
                Answer::Refused(_) => machine.archive.traits(set, &[]),
            };
            let architecture = machine.architecture;
            // Each platform alone, as apt is asked: a set may exist for one of them only.
            let temper = if arguments.apt_only { None } else { Some(planner.plan(set, architecture)?) };
            let comparison = Comparison { set: set.join(" "), architecture, traits, apt, temper };
            println!("{}", comparison.line());
            comparisons.push(comparison);
        }
    }
    finish(workspace, arguments, &comparisons)
}

/// One architecture: its apt, its archive, and what the base has installed.
struct Machine {
    architecture: &'static str,
    apt: Apt,
    archive: Archive,
    /// The base's package database, in the form of dpkg's status file.
    status: String,
}

impl Machine {
    fn open(workspace: &Workspace, layout: &Layout, architecture: &'static str) -> Result<Self> {
        let apt = Apt::open(workspace, SUITE, architecture)?;
        let archive = Archive::parse(&apt.records()?);
        Ok(Self { architecture, apt, archive, status: layout.package_database(architecture)? })
    }
}

/// The answers in the order of the machines, all asked at once: each takes seconds of one processor.
fn ask_apt(machines: &[Machine], requests: &[String]) -> Result<Vec<Answer>> {
    thread::scope(|scope| {
        let asked: Vec<_> = machines
            .iter()
            .map(|machine| scope.spawn(|| machine.apt.install(&machine.status, requests)))
            .collect();
        asked.into_iter().map(|thread| thread.join().expect("asking apt does not panic")).collect()
    })
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

/// An image of the catalog as an OCI layout, built if it is not there yet.
pub(crate) fn catalog_image(workspace: &Workspace, temper: &Temper, id: &str) -> Result<PathBuf> {
    let layout = workspace.scratch("catalog").join(id.replace('/', "-"));
    if layout.join("index.json").exists() {
        return Ok(layout);
    }
    // One name and nothing beside it, so that every tool takes the layout without one.
    let output = format!("oci:{}:latest", layout.display());
    let command: Invocation =
        temper.command().args(["catalog", "build", id, "--no-sign", "--output", &output]);
    command.env("HOME", workspace.scratch("home")).run()?;
    Ok(layout)
}
