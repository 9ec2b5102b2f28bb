//! `bench compose`: the quickstart's customization, by Temper and by buildah.
//!
//! Two phases. *Prepare* uses the network: the base is put into a registry, both sides get their packages. *Timed*
//! runs in a network namespace of its own that holds nothing but a loopback interface, so that neither side can
//! reach more than the registry beside it.

mod bed;
mod buildah;
mod customization;
mod page;
mod temper;

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::bench::compose::bed::Bed;
use crate::bench::compose::page::Row;
use crate::bench::measure::{Sample, median};
use crate::invocation::Invocation;
use crate::oracle::catalog_image;
use crate::temper::Temper;
use crate::tools;
use crate::workspace::Workspace;

/// The base: with apt and a shell, because buildah needs them; Temper does not.
const BASE: &str = "python/debian-13/3.13-dev";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// OCI layout of the base [default: the catalog's python development image]
    #[arg(long)]
    base: Option<PathBuf>,
    /// Runs of each row; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Measure only buildah, and leave the page as it is
    #[arg(long)]
    buildah_only: bool,
    /// The second phase, started by the first in its closed network
    #[arg(long, hide = true)]
    timed: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    tools::require(workspace, &["buildah", "skopeo", "docker-registry", "time", "ip", "openssl"])?;
    let directory = workspace.scratch("bench");
    if arguments.timed {
        return timed(workspace, &Bed::load(workspace, &directory)?, arguments);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let base = match &arguments.base {
        Some(base) => base.canonicalize()?,
        None => catalog_image(workspace, &Temper::build_release(workspace)?, BASE)?,
    };
    prepare(workspace, &Bed::create(workspace, &directory, &base)?, arguments)?;
    let program = env::current_exe().context("finding this program")?;
    let mut inside = Invocation::new("unshare").args(["--net", "--", "sh", "-c"]);
    inside = inside.arg("ip link set lo up && exec \"$@\"").arg("sh").arg(program);
    inside = inside.args(["bench", "compose", "--timed", "--runs", &arguments.runs.to_string()]);
    if arguments.buildah_only {
        inside = inside.arg("--buildah-only");
    }
    inside.run()
}

/// Everything that needs the network or is not to be measured.
fn prepare(workspace: &Workspace, bed: &Bed, arguments: &Arguments) -> Result<()> {
    let _services = bed.serve()?;
    customization::write(bed)?;
    buildah::prepare(workspace, bed)?;
    if !arguments.buildah_only {
        temper::prepare(&Temper::build_release(workspace)?, bed)?;
    }
    Ok(())
}

fn timed(workspace: &Workspace, bed: &Bed, arguments: &Arguments) -> Result<()> {
    let services = bed.serve()?;
    let mut rows = Vec::new();
    let mut add = |name: &'static str, run: &mut dyn FnMut(usize) -> Result<Sample>| -> Result<()> {
        let samples = (0..arguments.runs).map(run).collect::<Result<Vec<_>>>()?;
        let row = Row { name, sample: median(samples)? };
        println!("{}", row.line());
        rows.push(row);
        Ok(())
    };
    add("buildah, layers unknown", &mut |run| buildah::build(bed, &services, run, false))?;
    add("buildah, layers known", &mut |run| buildah::build(bed, &services, run, true))?;
    if !arguments.buildah_only {
        let temper = Temper::build_release(workspace)?;
        add("temper, layers unknown", &mut |run| temper::cold(&temper, bed, &services, run))?;
        add("temper, layers known", &mut |run| temper::known(&temper, bed, &services, run))?;
        add("temper, base patched", &mut |run| temper::base_patched(&temper, bed, &services, run))?;
    }
    let table = page::table(&rows);
    println!("{table}");
    if arguments.buildah_only {
        return Ok(());
    }
    page::write(workspace, &table, arguments.runs)
}
