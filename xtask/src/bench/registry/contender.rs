//! The servers that are compared, and what the kernel counts of one.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::SERVER_PROCESSOR;
use crate::docker_registry;
use crate::e2e::{Server, free_address};
use crate::invocation::Invocation;
use crate::temper::Temper;
use crate::tools;
use crate::workspace::Workspace;

/// Ticks in a second of the times in `/proc`, the same on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that can be started.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    command: Command,
}

/// How a server is started over a folder at an address.
type Command = Box<dyn Fn(&Path, SocketAddr) -> Result<Invocation>>;

/// A server that runs.
pub(crate) struct Running {
    server: Server,
}

/// All servers: ours, and those that are to be had here.
pub(crate) fn contenders(workspace: &Workspace, temper: Temper) -> Result<Vec<Contender>> {
    let programs = tools::require(workspace, &["docker-registry", "distribution"])?;
    let registry = |program: PathBuf| {
        let start = move |directory: &Path, address| docker_registry::command(&program, directory, address);
        Box::new(start) as Command
    };
    let [debian, newest] = <[PathBuf; 2]>::try_from(programs).expect("two were asked for");
    let mut contenders = vec![
        Contender {
            name: "temper",
            command: Box::new(move |directory, address| {
                let data = directory.join("data");
                let command =
                    temper.command().env("HOME", directory).args(["serve", "--anonymous", "--data-dir"]);
                Ok(command.arg(data).args(["--listen", &address.to_string()]))
            }),
        },
        Contender { name: "docker-registry 2.8", command: registry(debian) },
        Contender { name: "distribution 3", command: registry(newest) },
    ];
    if let Some(zot) = tools::debian::program("zot") {
        let command = move |directory: &Path, address| crate::zot::command(&zot, directory, address);
        contenders.push(Contender { name: "zot", command: Box::new(command) });
    }
    Ok(contenders)
}

impl Contender {
    /// Starts the server over an empty folder, on its processor.
    pub(crate) fn start(&self, directory: &Path) -> Result<Running> {
        fs::create_dir_all(directory)?;
        let address = free_address()?;
        let pin = ["--cpu-list".into(), SERVER_PROCESSOR.into()];
        let command = (self.command)(directory, address)?.wrapped_by("taskset", &pin);
        Ok(Running { server: Server::start_at(address, command, &directory.join("server.log"))? })
    }
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The most memory that was resident so far.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        let text = self.process_file("status")?;
        let value = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
        value.context("the kernel tells no `VmHWM`")?.parse().context("reading `VmHWM`")
    }

    /// User and system time so far.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let text = self.process_file("stat")?;
        let (_, fields) = text.rsplit_once(')').context("reading the times of the server")?;
        let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
    }

    fn process_file(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.server.process_id());
        fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }
}
