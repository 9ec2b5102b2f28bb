//! `bench registry`: the embedded registry beside other servers of the same protocol.
//!
//! Each server runs on one processor and the clients on another. Every run starts a server over an empty folder, and
//! the servers take turns, so that what else the machine does meets all of them.

mod contender;
mod http;
mod load;
mod page;

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::bench::registry::contender::{Contender, contenders};
use crate::bench::registry::load::{Blob, Clients};
use crate::bench::registry::page::{Row, Run};
use crate::invocation::Invocation;
use crate::temper::Temper;
use crate::workspace::Workspace;

/// The processors: one for the server, another for the clients.
const SERVER_PROCESSOR: &str = "0";
const CLIENTS_PROCESSOR: &str = "1";

const CLIENTS: usize = 8;
const LARGE_BLOB_BYTES: usize = 512 << 20;
/// Only for the memory that the size of blobs may cost.
const SMALL_BLOB_BYTES: usize = 32 << 20;
const MANIFESTS: usize = 500;
const TAGS: usize = 10_000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs of each server; the median of each number counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Measure only servers whose name contains this, and leave the page as it is
    #[arg(long)]
    filter: Option<String>,
    /// Use this `temper` instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The clients' side, started by the command itself on a processor of its own
    #[arg(long, hide = true)]
    pinned: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let temper = match &arguments.binary {
        Some(binary) => Temper::at(binary.canonicalize()?),
        None => Temper::build_release(workspace)?,
    };
    if !arguments.pinned {
        let program = env::current_exe().context("finding this program")?;
        let mut pinned = Invocation::new("taskset").args(["--cpu-list", CLIENTS_PROCESSOR]).arg(program);
        pinned = pinned.args(["bench", "registry", "--pinned", "--runs", &arguments.runs.to_string()]);
        pinned = pinned.arg("--binary").arg(temper.path());
        if let Some(filter) = &arguments.filter {
            pinned = pinned.args(["--filter", filter]);
        }
        return pinned.run();
    }
    let directory = workspace.scratch("bench-registry");
    let (small, large) = (Blob::make(SMALL_BLOB_BYTES)?, Blob::make(LARGE_BLOB_BYTES)?);
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let contenders: Vec<_> = contenders(workspace, temper)?
        .into_iter()
        .filter(|contender| contender.name.contains(filter))
        .collect();
    let mut rows: Vec<Row> = contenders.iter().map(|contender| Row::new(contender.name)).collect();
    for _ in 0..arguments.runs {
        for (contender, row) in contenders.iter().zip(&mut rows) {
            let run = measure(contender, &directory, &small, &large)?;
            println!("{}: {run:?}", contender.name);
            row.runs.push(run);
        }
    }
    let table = page::table(&rows);
    println!("{table}");
    if arguments.filter.is_none() {
        page::write(workspace, &table, arguments.runs)?;
    }
    Ok(())
}

/// One run of one server: a fresh process for memory over small blobs, and one for everything else.
fn measure(contender: &Contender, directory: &PathBuf, small: &Blob, large: &Blob) -> Result<Run> {
    let started = |name: &str| {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        contender.start(&directory.join(name))
    };
    let mut run = Run::default();
    {
        let server = started("small")?;
        let clients = Clients::new(server.address(), CLIENTS);
        clients.push_blob(small)?;
        clients.pull_blob(small)?;
        run.small_blobs_peak_kib = server.peak_kib()?;
    }
    let server = started("large")?;
    let clients = Clients::new(server.address(), CLIENTS);
    let mebibytes = ((CLIENTS * LARGE_BLOB_BYTES) >> 20) as f64;
    let before = server.cpu_seconds()?;
    run.push_mib_per_second = mebibytes / clients.push_blob(large)?.as_secs_f64();
    let pushed = server.cpu_seconds()?;
    run.push_cpu_seconds = pushed - before;
    run.pull_mib_per_second = mebibytes / clients.pull_blob(large)?.as_secs_f64();
    run.pull_cpu_seconds = server.cpu_seconds()? - pushed;
    run.large_blobs_peak_kib = server.peak_kib()?;
    run.manifests_per_second = MANIFESTS as f64 / clients.push_manifests(MANIFESTS)?.as_secs_f64();
    clients.push_tags(TAGS)?;
    let (time, listed) = clients.list_tags()?;
    ensure!(listed == TAGS, "{} lists {listed} of {TAGS} tags", contender.name);
    run.tag_list_milliseconds = time.as_secs_f64() * 1000.0;
    run.peak_kib = server.peak_kib()?;
    Ok(run)
}
