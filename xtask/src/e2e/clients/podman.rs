//! podman: pull, tag and push, and an index of its own.

use anyhow::{Result, ensure};

use super::{Sample, ensure_says, push_sample, raw_manifest};
use crate::e2e::clients::place::Place;
use crate::e2e::scenario::Scenario;

pub(crate) fn check(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let podman = || place.container_tool(scenario, "podman");
    let tls = place.tls_options(&["--tls-verify=false"]);
    place.log_in(|| Ok(podman()?.args(["login"]).args(&tls)))?;
    let reference = push_sample(scenario, place, sample, "for-podman:one")?;
    podman()?.args(["pull", "--quiet"]).args(&tls).args([&reference]).succeeds()?;
    let pushed = place.reference("by-podman:one");
    podman()?.args(["tag", &reference, &pushed]).succeeds()?;
    podman()?.args(["push", "--quiet"]).args(&tls).args([&pushed]).succeeds()?;
    podman()?.args(["rmi", &pushed, &reference]).succeeds()?;

    let index = place.reference("by-podman:index");
    let source = format!("docker://{reference}");
    podman()?.args(["manifest", "create", &index]).succeeds()?;
    podman()?.args(["manifest", "add", "--all"]).args(&tls).args([&index, &source]).succeeds()?;
    podman()?
        .args(["manifest", "push", "--all"])
        .args(&tls)
        .args([&index, &format!("docker://{index}")])
        .succeeds()?;
    podman()?.args(["manifest", "rm", &index]).succeeds()?;
    ensure_says(&raw_manifest(scenario, place, &index)?, "arm64")?;

    let search = podman()?
        .args(["search", "--list-tags"])
        .args(&tls)
        .args([place.reference("by-podman")])
        .succeeds()?;
    ensure!(search.lines().count() == 3, "the tags are\n{search}");
    podman()?.args(["pull", "--quiet"]).args(&tls).args([&index]).succeeds().map(drop)
}
