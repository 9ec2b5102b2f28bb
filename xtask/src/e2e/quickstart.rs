//! The README's first command: what `temper quickstart` leaves behind is a real image for real clients.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::e2e::example::{self, quickstart};
use crate::e2e::scenario::Scenario;
use crate::e2e::{image, podman, tls};

const TAGS: [&str; 3] = ["3.13_custom", "3.13-debian_custom", "3.13-debian13_custom"];

/// Asks a TLS server with the standard library and the authorities that the image trusts.
const PYTHON_REQUEST: &str =
    "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).status)";

/// The quickstart's repository, served by a second process.
struct Served {
    /// Host, port and repository.
    repository: String,
    digest: String,
}

impl Served {
    fn customized(&self) -> String {
        format!("{}:{}", self.repository, TAGS[0])
    }

    fn base(&self) -> String {
        format!("{}:3.13", self.repository)
    }
}

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let data = example::shared_data(scenario);
    let start = Instant::now();
    let made = scenario.setup("once_prints_one_object", || once(scenario, &data))?;
    println!("  the first run took {:.1} s", start.elapsed().as_secs_f64());
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let server = scenario.setup("serve_answers", || scenario.serve(&arguments))?;
    let repository = format!("{}/{}", server.address(), example::REPOSITORY);
    let served = Served { repository, digest: image::text(&made, "digest")?.to_owned() };

    scenario.check("a_second_run_gives_the_same_object", || {
        let start = Instant::now();
        let again = quickstart(scenario, &data)?;
        println!("  the second run took {:.1} s", start.elapsed().as_secs_f64());
        ensure!(again == made, "{made} then {again}");
        Ok(())
    });
    scenario.check("every_tag_shows_both_platforms", || every_tag_shows_both_platforms(scenario, &served));
    scenario.check("the_image_is_valid", || {
        image::pull(scenario, &served.customized(), "pulled", &served.digest).map(drop)
    });
    scenario.check("podman_runs_what_was_added", || podman_runs(scenario, &served));
    scenario.check("the_private_authority_is_trusted", || authority_is_trusted(scenario, &served));
    scenario.check("the_base_does_not_trust_it", || base_does_not_trust(scenario, &served));
    scenario.check("arm64_runs_under_qemu", || qemu_runs(scenario, &served));
    scenario.check("an_unknown_tag_is_refused", || {
        let missing = format!("docker://{}-missing", served.customized());
        let captured = scenario.tool("skopeo")?.args(["inspect", "--tls-verify=false", &missing]).fails()?;
        ensure!(captured.stderr.contains("manifest unknown"), "{}", captured.stderr);
        Ok(())
    });
    scenario.check("the_server_logged_no_error", || {
        let output = server.output()?;
        ensure!(!output.contains("ERROR") && !output.contains("panicked"), "{output}");
        Ok(())
    });
    Ok(())
}

/// The first run, in a data folder that is not there yet.
fn once(scenario: &Scenario, data: &Path) -> Result<Value> {
    ensure!(!data.exists(), "`{}` is not new", data.display());
    let made = quickstart(scenario, data)?;
    let reference = image::text(&made, "reference")?;
    ensure!(reference.ends_with("/acme/dhi-python:3.13_custom"), "the reference is {reference}");
    let digest = image::text(&made, "digest")?;
    ensure!(digest.starts_with("sha256:") && digest.len() == 71, "the digest is {digest}");
    ensure!(made["tags"] == json!(TAGS), "the tags are {}", made["tags"]);
    ensure!(made["platforms"] == json!(["linux/amd64", "linux/arm64"]), "{}", made["platforms"]);
    Ok(made)
}

fn every_tag_shows_both_platforms(scenario: &Scenario, served: &Served) -> Result<()> {
    for tag in TAGS {
        let (digest, architectures) = image::inspect(scenario, &format!("{}:{tag}", served.repository))?;
        ensure!(architectures == ["amd64", "arm64"], "the platforms of {tag} are {architectures:?}");
        ensure!(digest == served.digest, "{tag} is {digest}, expected {}", served.digest);
    }
    Ok(())
}

fn podman_runs(scenario: &Scenario, served: &Served) -> Result<()> {
    let reference = served.customized();
    podman::pull(scenario, &reference)?;
    let check = |command: &[&str], expected: &str| {
        let output = podman::run(scenario)?.args([&reference]).args(command).succeeds()?;
        let first = output.lines().next().unwrap_or_default();
        ensure!(first.starts_with(expected), "{command:?} says `{first}`, expected `{expected}`");
        Ok(())
    };
    let who = "import os, pwd; print(os.getuid(), os.getgid(), pwd.getpwuid(os.getuid()).pw_name)";
    check(&["python3", "-c", who], "10001 10001 app")?;
    check(&["hello"], "hello from app, log level info")?;
    check(&["curl", "--version"], "curl 8.")?;
    check(&["jq", "--null-input", "6 * 7"], "42")?;
    let inspect =
        ["image", "inspect", "--format={{.User}} {{index .Labels \"com.example.team\"}}", &reference];
    let settings = podman::podman(scenario)?.args(inspect).succeeds()?;
    ensure!(settings.trim() == "10001 platform", "user and label are `{}`", settings.trim());
    Ok(())
}

fn authority_is_trusted(scenario: &Scenario, served: &Served) -> Result<()> {
    let reference = served.customized();
    podman::pull(scenario, &reference)?;
    let server = tls::serve(scenario)?;
    let address = format!("https://localhost:{}/", server.address().port());
    let run = || Ok::<_, anyhow::Error>(podman::run_in_network(scenario, "host")?.args([&reference]));
    let page = run()?.args(["curl", "--silent", "--show-error", "--max-time", "20", &address]).succeeds()?;
    ensure!(page.contains("s_server"), "curl got `{page}`");
    let status = run()?.args(["python3", "-c", PYTHON_REQUEST, &address]).succeeds()?;
    ensure!(status.trim() == "200", "python got `{status}`");
    Ok(())
}

fn base_does_not_trust(scenario: &Scenario, served: &Served) -> Result<()> {
    let reference = served.base();
    podman::pull(scenario, &reference)?;
    let server = tls::serve(scenario)?;
    let address = format!("https://localhost:{}/", server.address().port());
    let captured = podman::run_in_network(scenario, "host")?
        .args([&reference])
        .args(["python3", "-c", PYTHON_REQUEST, &address])
        .exits_with(1)?;
    ensure!(captured.stderr.contains("CERTIFICATE_VERIFY_FAILED"), "{}", captured.stderr);
    Ok(())
}

/// Unpacks the arm64 variant and runs it by chroot under the static emulator.
fn qemu_runs(scenario: &Scenario, served: &Served) -> Result<()> {
    let directory = scenario.path("arm64");
    let layout = format!("{}:image", image::layout(&directory));
    image::copy_variant(scenario, "arm64", &format!("docker://{}", served.customized()), &layout)?;
    let bundle = scenario.path("arm64-bundle");
    let source = format!("{}:image", directory.display());
    scenario.tool("umoci")?.args(["unpack", "--image", &source]).args([&bundle]).succeeds()?;
    let root = bundle.join("rootfs");
    fs::copy(scenario.tool_path("qemu-aarch64-static")?, root.join("qemu"))
        .context("copying the emulator")?;
    let check = |command: &[&str], expected: &str| {
        let output = scenario
            .tool("chroot")?
            .args(["--userspec=10001:10001".as_ref(), root.as_os_str(), "/qemu".as_ref()])
            .args(command)
            .env("LOG_LEVEL", "debug")
            .succeeds()?;
        ensure!(output.starts_with(expected), "{command:?} says `{output}`, expected `{expected}`");
        Ok(())
    };
    // Few imports: under emulation each costs a second.
    let machine = "import os; print(os.uname().machine, os.getuid())";
    check(&["/usr/bin/python3", "-c", machine], "aarch64 10001")?;
    check(&["/usr/bin/python3", "/usr/local/bin/hello"], "hello from app, log level debug")?;
    check(&["/usr/bin/curl", "--version"], "curl 8.")?;
    check(&["/usr/bin/jq", "--null-input", "6 * 7"], "42")
}
