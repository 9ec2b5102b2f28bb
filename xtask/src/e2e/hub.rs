//! A team's day with a server: people, a mirror, a customization, rebuilds, rights; commands alone, on an empty folder.

mod person;
mod rights;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::e2e::hub::person::{Person, log_in};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::Server;

const ORGANIZATION: &str = "acme";
const REPOSITORY: &str = "acme/dhi-bash";
const DEFINITION: &str = "bash/debian-13/5";
const NAME: &str = "bash with jq";
const TAG: &str = "5_bash-with-jq";

const CUSTOMIZATION: &str = "name: bash with jq
targets:
  - destination: acme/dhi-bash
    tag_definition_id: bash/debian-13/5
contents:
  packages: [jq]
paths:
  - {path: /etc/motd, contents: \"welcome\\n\", mode: \"0644\", uid: 0, gid: 0}
environment: {LOG_LEVEL: info}
platforms: [linux/amd64, linux/arm64]
";

/// The same repository, but of one tag that somebody pushes.
const OF_A_TAG: &str = "name: of a tag
targets:
  - destination: acme/pushed
    tag: \"1\"
environment: {LOG_LEVEL: info}
";

/// Longest wait for something that a server does by itself: the build of an image on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL_INTERVAL: Duration = Duration::from_millis(300);

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let data = scenario.path("data");
    let serve: Vec<_> = ["serve", "--json", "--data-dir"]
        .map(Into::into)
        .into_iter()
        .chain([data.into_os_string()])
        .collect();
    let server = scenario.setup("an_empty_folder_is_served", || scenario.serve(&serve))?;
    let admin = scenario
        .setup("the_first_user_logs_in", || log_in(scenario, &server, "admin", &server.first_password()?))?;
    scenario.setup("an_organization_is_made", || admin.run(&["org", "create", ORGANIZATION]).map(drop))?;
    scenario.setup("a_definition_is_mirrored", || mirror(&admin))?;
    let first =
        scenario.setup("a_customization_is_created_and_its_log_followed", || create(scenario, &admin))?;
    scenario.check("skopeo_pulls_the_tag", || pulls(scenario, &server, &admin));
    scenario.check("the_image_verifies", || {
        let reference = format!("{}/{REPOSITORY}:{TAG}", server.address());
        admin.run(&["verify", &reference]).map(drop)
    });
    scenario.check("what_get_prints_is_taken_by_edit", || edited(scenario, &admin, &first));
    scenario.check("a_stale_edit_is_refused", || stale(scenario, &admin));
    scenario.check("a_folder_is_applied", || applied(scenario, &admin));
    scenario.check("tags_go_back_and_follow_again", || rolled_back(scenario, &server, &admin));
    scenario.check("a_push_to_the_base_rebuilds_what_is_on_it", || base_moves(scenario, &server, &admin));
    rights::checks(scenario, &server, &admin);
    scenario.check("the_server_logged_no_error", || {
        let output = server.output()?;
        ensure!(!output.contains("ERROR") && !output.contains("panicked"), "{output}");
        Ok(())
    });
    Ok(())
}

/// Asks until there is an answer.
fn wait<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        thread::sleep(POLL_INTERVAL);
    }
    bail!("{what} did not come within {} s", PATIENCE.as_secs())
}

fn mirror(admin: &Person) -> Result<()> {
    admin.run(&["mirror", "start", "--org", ORGANIZATION, DEFINITION, "--repo", REPOSITORY])?;
    wait("the mirrored definition", || {
        let mirror = admin.json(&["mirror", "get", REPOSITORY])?;
        ensure!(mirror["state"] != "failed", "{mirror}");
        let tags = mirror["tags"].as_array().map_or(0, Vec::len);
        Ok((mirror["state"] == "succeeded" && tags > 0).then_some(()))
    })
}

/// Creates the customization and follows the log of its build; returns its id.
fn create(scenario: &Scenario, admin: &Person) -> Result<String> {
    let file = scenario.path("customization.yaml");
    fs::write(&file, CUSTOMIZATION).context("writing a customization")?;
    let file = file.to_string_lossy().into_owned();
    let log = admin.run(&["customization", "create", &file, "--org", ORGANIZATION, "--follow"])?;
    ensure!(log.contains("publish"), "{log}");
    let listed = admin.json(&["customization", "list", "--org", ORGANIZATION])?;
    let first = &listed["items"][0];
    ensure!(first["name"] == NAME, "{listed}");
    Ok(image::text(first, "id")?.to_owned())
}

fn pulls(scenario: &Scenario, server: &Server, admin: &Person) -> Result<()> {
    let reference = format!("docker://{}/{REPOSITORY}:{TAG}", server.address());
    let credentials = format!("admin:{}", admin.password);
    let inspect = ["inspect", "--raw", "--tls-verify=false", "--creds", &credentials, &reference];
    let index = image::json(&scenario.tool("skopeo")?.args(inspect).succeeds()?)?;
    let architectures: Vec<_> = index["manifests"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|manifest| manifest["platform"]["architecture"].clone())
        .collect();
    ensure!(architectures == [json!("amd64"), json!("arm64")], "{index}");
    let anonymous = ["inspect", "--raw", "--tls-verify=false", &reference];
    scenario.tool("skopeo")?.args(anonymous).fails().map(drop)
}

fn edited(scenario: &Scenario, admin: &Person, id: &str) -> Result<()> {
    let document = admin.run(&["customization", "get", id])?;
    let changed = document.replace("LOG_LEVEL: info", "LOG_LEVEL: debug");
    ensure!(changed != document, "{document}");
    let file = scenario.path("edited.yaml");
    fs::write(&file, changed).context("writing a customization")?;
    admin.run(&["customization", "edit", &file.to_string_lossy(), "--follow"])?;
    let build = admin.json(&["customization", "build", "get", REPOSITORY, NAME])?;
    ensure!(build["state"] == "succeeded" && build.to_string().contains("edited"), "{build}");
    let history = admin.run(&["customization", "history", id])?;
    ensure!(history.lines().count() >= 2, "{history}");
    Ok(())
}

fn stale(scenario: &Scenario, admin: &Person) -> Result<()> {
    let file = scenario.path("edited.yaml");
    let arguments = ["customization", "edit", &file.to_string_lossy(), "--if-version", "1"];
    let captured = admin.client().args(arguments).exits_with(1)?;
    ensure!(captured.stderr.contains("was changed since it was read"), "{}", captured.stderr);
    Ok(())
}

fn applied(scenario: &Scenario, admin: &Person) -> Result<()> {
    let folder = scenario.path("folder");
    fs::create_dir_all(&folder).context("making a folder")?;
    fs::write(folder.join("bash.yaml"), CUSTOMIZATION).context("writing a customization")?;
    let folder = folder.to_string_lossy().into_owned();
    let apply = ["customization", "apply", "-f", &folder, "--org", ORGANIZATION];
    let drift = admin.client().args(apply).args(["--dry-run"]).exits_with(1)?;
    ensure!(drift.stdout.contains(NAME), "{}", drift.stdout);
    admin.run(&[&apply[..], &["--force"]].concat())?;
    admin.client().args(apply).args(["--dry-run"]).succeeds()?;
    wait("the end of the build", || {
        let build = admin.json(&["customization", "build", "get", REPOSITORY, NAME])?;
        Ok((build["state"] == "succeeded").then_some(()))
    })
}

/// The tags go back to the first build, stay there, and follow again once they are released.
fn rolled_back(scenario: &Scenario, server: &Server, admin: &Person) -> Result<()> {
    let builds = admin.json(&["customization", "build", "list", REPOSITORY, NAME])?;
    let first = builds["items"].as_array().and_then(|builds| builds.last()).context("no builds")?;
    let (id, digest) = (image::text(first, "id")?, image::text(first, "digest")?);
    admin.run(&["customization", "build", "rollback", id])?;
    let reference = format!("docker://{}/{REPOSITORY}:{TAG}", server.address());
    let credentials = format!("admin:{}", admin.password);
    let inspect =
        ["inspect", "--tls-verify=false", "--format={{.Digest}}", "--creds", &credentials, &reference];
    let found = scenario.tool("skopeo")?.args(inspect).succeeds()?;
    ensure!(found.trim() == digest, "the tag is at {found}, expected {digest}");
    let run = ["customization", "build", "run", REPOSITORY, NAME];
    let refused = admin.client().args(run).exits_with(1)?;
    ensure!(refused.stderr.contains("are held at an earlier build"), "{}", refused.stderr);
    admin.run(&["customization", "build", "release", REPOSITORY, NAME]).map(drop)
}

/// Somebody pushes a base, then another under the same tag: the customized tag follows by itself.
fn base_moves(scenario: &Scenario, server: &Server, admin: &Person) -> Result<()> {
    let reference = format!("{}/acme/pushed:1", server.address());
    let push = |level: &str| -> Result<String> {
        let file = scenario.path(format!("base-{level}.yaml"));
        let document = format!(
            "name: base\nsuffix: base\ntargets:\n  - {{destination: acme/pushed, tag: \"1\"}}\nenvironment: {{BASE: \"{level}\"}}\n"
        );
        fs::write(&file, document).context("writing a customization")?;
        let base = format!("{}/{REPOSITORY}:5", server.address());
        let build = ["build", &file.to_string_lossy(), "--base", &base, "--output", &reference, "--json"];
        let built = admin.json(&build)?;
        Ok(image::text(&built, "digest")?.to_owned())
    };
    let old = push("one")?;
    let file = scenario.path("of-a-tag.yaml");
    fs::write(&file, OF_A_TAG).context("writing a customization")?;
    admin.run(&["customization", "create", &file.to_string_lossy(), "--org", ORGANIZATION, "--follow"])?;
    let builds_before = count(admin, REPOSITORY, NAME)?;
    let new = push("two")?;
    let build = wait("the rebuild", || {
        let build = admin.json(&["customization", "build", "get", "acme/pushed", "of a tag"])?;
        let is_next = build["number"] == 2 && build["state"] == "succeeded";
        Ok(is_next.then_some(build))
    })?;
    let text = build.to_string();
    ensure!(text.contains("\"base\"") && text.contains(&old) && text.contains(&new), "{build}");
    let builds_after = count(admin, REPOSITORY, NAME)?;
    ensure!(builds_after == builds_before, "a customization of another base was built: {builds_after}");
    Ok(())
}

fn count(admin: &Person, repository: &str, name: &str) -> Result<usize> {
    let builds: Value = admin.json(&["customization", "build", "list", repository, name])?;
    Ok(builds["items"].as_array().with_context(|| builds.to_string())?.len())
}
