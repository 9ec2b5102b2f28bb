//! Podman with a storage of its own, in the form that works inside a virtual machine or a container without systemd.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::e2e::client::Client;
use crate::e2e::scenario::Scenario;
use crate::invocation::Invocation;

/// A podman whose images live in the suite's folder.
pub(crate) fn podman<'a>(scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
    // Podman takes no path of more than 50 characters for its state.
    let (root, state) = (scenario.path("podman"), scenario.short_path("podman"));
    Ok(scenario
        .tool("podman")?
        .args(["--root".as_ref(), root.as_os_str(), "--runroot".as_ref(), state.as_os_str()])
        .args(["--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--runtime=runc"]))
}

/// Unmounts what a podman that failed left mounted below a folder, which could not be removed otherwise.
pub(crate) fn unmount_below(folder: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the list of mounts")?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    for point in points.filter(|point| point.starts_with(folder)) {
        Invocation::new("umount").arg(point).output()?;
    }
    Ok(())
}

/// Pulls an image of a registry without TLS.
pub(crate) fn pull(scenario: &Scenario, reference: &str) -> Result<()> {
    podman(scenario)?.args(["pull", "--quiet", "--tls-verify=false", reference]).succeeds().map(drop)
}

/// Podman about to run a command in an image, without network; what follows are the image and the command.
pub(crate) fn run<'a>(scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
    run_in_network(scenario, "none")
}

/// The same with a network: `host` reaches servers of this machine.
pub(crate) fn run_in_network<'a>(scenario: &'a Scenario<'a>, network: &str) -> Result<Client<'a>> {
    // Without explicit limits the runtime asks for more than an unprivileged machine grants.
    Ok(podman(scenario)?
        .args(["run", "--rm", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"])
        .args(["--network", network]))
}
