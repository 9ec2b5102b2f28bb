//! helm: a chart is packaged, pushed, shown and pulled.

use std::fs;

use anyhow::{Result, ensure};

use super::{Sample, ensure_says};
use crate::e2e::clients::place::Place;
use crate::e2e::scenario::Scenario;

const CHART: &str =
    "apiVersion: v2\nname: by-helm\nversion: 1.2.3+build.4\ndescription: A chart without a template\n";

pub(crate) fn check(scenario: &Scenario, place: &Place, _: &Sample) -> Result<()> {
    let folder = place.path("helm");
    let helm = || {
        let client = place.tool(scenario, "helm")?.env("HELM_REGISTRY_CONFIG", folder.join("registry.json"));
        Ok::<_, anyhow::Error>(client)
    };
    let plain = place.tls_options(&["--plain-http"]);
    let chart = folder.join("chart");
    fs::create_dir_all(&chart)?;
    fs::write(chart.join("Chart.yaml"), CHART)?;
    place.log_in(|| Ok(helm()?.args(["registry", "login"]).args(&plain)))?;
    helm()?.args(["package", "--destination"]).args([&folder, &chart]).succeeds()?;
    let archive = folder.join("by-helm-1.2.3+build.4.tgz");
    let repository = format!("oci://{}", place.reference("charts"));
    helm()?.args(["push"]).args(&plain).args([&archive]).args([&repository]).succeeds()?;

    let remote = format!("{repository}/by-helm");
    let shown = helm()?.args(["show", "chart"]).args(&plain).args([&remote]).succeeds()?;
    ensure_says(&shown, "version: 1.2.3+build.4")?;
    let pulled = folder.join("pulled");
    fs::create_dir_all(&pulled)?;
    let pull =
        helm()?.args(["pull", "--version=1.2.3+build.4"]).args(&plain).args([&remote, "--destination"]);
    pull.args([&pulled]).succeeds()?;
    let name = archive.file_name().unwrap_or_default();
    ensure!(fs::read(&archive)? == fs::read(pulled.join(name))?, "the chart came back changed");
    Ok(())
}
