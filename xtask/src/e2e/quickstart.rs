//! The README's first command: what `temper quickstart` leaves behind is a real image for real clients.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::podman;
use crate::e2e::scenario::Scenario;

/// The quickstart's image, served by a second process.
struct Image {
    /// Host, repository and tag.
    reference: String,
    digest: String,
}

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let data = scenario.path("data");
    let made = scenario.setup("once_prints_one_object", || once(scenario, &data))?;
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let server = scenario.setup("serve_answers", || scenario.serve(&arguments))?;
    let image = scenario.setup("the_reference_is_served", || served(&made, &server.address().to_string()))?;

    scenario.check("a_second_run_gives_the_same_digest", || {
        let again = once(scenario, &scenario.path("again"))?;
        ensure!(again["digest"] == made["digest"], "{} then {}", made["digest"], again["digest"]);
        Ok(())
    });
    scenario.check("skopeo_shows_both_platforms", || skopeo_shows_both_platforms(scenario, &image));
    scenario.check("podman_runs_python_curl_and_jq", || podman_runs(scenario, &image));
    scenario.check("umoci_unpacks_arm64_and_qemu_runs_it", || qemu_runs(scenario, &image));
    scenario.check("docker_archive_is_written", || docker_archive_is_written(scenario, &image));
    scenario.check("an_unknown_tag_is_refused", || {
        let missing = format!("docker://{}-missing", image.reference);
        let captured = scenario.tool("skopeo")?.args(["inspect", "--tls-verify=false", &missing]).fails()?;
        ensure!(captured.stderr.contains("manifest unknown"), "{}", captured.stderr);
        Ok(())
    });
    scenario.check("the_server_logged_no_error", || {
        let output = server.output()?;
        ensure!(!output.contains("ERROR"), "{output}");
        Ok(())
    });
    Ok(())
}

fn once(scenario: &Scenario, data: &Path) -> Result<Value> {
    let output = scenario
        .temper()
        .args(["quickstart", "--once", "--json", "--data-dir"])
        .args([data])
        .env("TZ", "Asia/Shanghai")
        .succeeds()?;
    serde_json::from_str(&output).with_context(|| format!("`{output}` is no single object"))
}

/// The same repository and tag at the address of the server that this suite started.
fn served(made: &Value, address: &str) -> Result<Image> {
    let reference = made["reference"].as_str().context("no `reference`")?;
    let (_, path) = reference.split_once('/').context("a reference without host")?;
    let digest = made["digest"].as_str().context("no `digest`")?.to_owned();
    Ok(Image { reference: format!("{address}/{path}"), digest })
}

fn skopeo_shows_both_platforms(scenario: &Scenario, image: &Image) -> Result<()> {
    let remote = format!("docker://{}", image.reference);
    let raw =
        scenario.tool("skopeo")?.args(["inspect", "--raw", "--tls-verify=false", &remote]).succeeds()?;
    let index: Value = serde_json::from_str(&raw)?;
    let manifests = index["manifests"].as_array().context("no index")?;
    let architectures: Vec<&str> =
        manifests.iter().filter_map(|manifest| manifest["platform"]["architecture"].as_str()).collect();
    ensure!(architectures == ["amd64", "arm64"], "the platforms are {architectures:?}");
    let inspect = ["inspect", "--tls-verify=false", "--format={{.Digest}}", &remote];
    let digest = scenario.tool("skopeo")?.args(inspect).succeeds()?;
    ensure!(digest.trim() == image.digest, "{} instead of {}", digest.trim(), image.digest);
    Ok(())
}

fn podman_runs(scenario: &Scenario, image: &Image) -> Result<()> {
    podman::podman(scenario)?.args(["pull", "--quiet", "--tls-verify=false", &image.reference]).succeeds()?;
    let run = |command: &[&str]| {
        podman::run(scenario)?
            .args(["--entrypoint", command[0], &image.reference])
            .args(&command[1..])
            .succeeds()
    };
    let user = run(&["python3", "-c", "import os; print(os.getuid())"])?;
    ensure!(user.trim() != "0", "python runs as root");
    ensure!(run(&["curl", "--version"])?.starts_with("curl "), "curl does not run");
    ensure!(run(&["jq", "--version"])?.starts_with("jq-"), "jq does not run");
    Ok(())
}

/// Unpacks the arm64 variant and runs it by chroot under the static emulator.
fn qemu_runs(scenario: &Scenario, image: &Image) -> Result<()> {
    let root = unpack(scenario, image, "arm64")?;
    fs::copy(scenario.tool_path("qemu-aarch64-static")?, root.join("qemu"))?;
    for command in [["/usr/bin/python3", "--version"], ["/usr/bin/curl", "--version"]] {
        scenario.tool("chroot")?.args([&root]).args(["/qemu"]).args(command).succeeds()?;
    }
    Ok(())
}

/// The root folder of one platform's variant, written by umoci.
fn unpack(scenario: &Scenario, image: &Image, architecture: &str) -> Result<PathBuf> {
    let layout = format!("oci:{}:image", scenario.path(architecture).display());
    let remote = format!("docker://{}", image.reference);
    let choose = format!("--override-arch={architecture}");
    scenario
        .tool("skopeo")?
        .args([&choose, "copy", "--quiet", "--src-tls-verify=false", &remote, &layout])
        .succeeds()?;
    let bundle = scenario.path(format!("{architecture}-bundle"));
    let source = format!("{}:image", scenario.path(architecture).display());
    scenario.tool("umoci")?.args(["unpack", "--image", &source]).args([&bundle]).succeeds()?;
    Ok(bundle.join("rootfs"))
}

fn docker_archive_is_written(scenario: &Scenario, image: &Image) -> Result<()> {
    let archive = format!("docker-archive:{}", scenario.path("image.tar").display());
    let remote = format!("docker://{}", image.reference);
    scenario
        .tool("skopeo")?
        .args(["copy", "--quiet", "--src-tls-verify=false", &remote, &archive])
        .succeeds()
        .map(drop)
}
