//! Podman with a storage of its own, in the form that works inside a virtual machine or a container without systemd.

use anyhow::Result;

use crate::e2e::client::Client;
use crate::e2e::scenario::Scenario;

/// A podman whose images live in the suite's folder.
pub(crate) fn podman<'a>(scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
    let path = |name: &str| scenario.path(name).into_os_string();
    Ok(scenario
        .tool("podman")?
        .args(["--root".into(), path("podman"), "--runroot".into(), path("podman-run")])
        .args(["--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--runtime=runc"]))
}

/// Podman about to run a command in an image; what follows are the image and the command.
pub(crate) fn run<'a>(scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
    // Without explicit limits the runtime asks for more than an unprivileged machine grants.
    Ok(podman(scenario)?.args([
        "run",
        "--rm",
        "--network=host",
        "--ulimit=nofile=1024:1024",
        "--ulimit=nproc=1024:1024",
    ]))
}
