//! Another machine proves what the first one published: the quickstart's images, those of the whole catalog, a layout.
//!
//! Images are verified here; whatever any suite builds is built again by a second machine ([`Second`]) in any case.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::example::{self, Example};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::second::Second;
use crate::e2e::server::Server;

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let example = scenario.setup("the_quickstart_is_there", || example::example(scenario))?;
    let server = scenario.setup("serve_answers", || {
        scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), example.data.as_os_str()])
    })?;
    let second = scenario.setup("another_machine_is_there", || machine(scenario, &server, "second"))?;
    let registry = server.address();
    let customized = format!("{registry}/{}:3.13_custom", example::REPOSITORY);
    let quickstart = [
        customized.clone(),
        format!("{registry}/{}:3.13", example::REPOSITORY),
        format!("{registry}/{}", example::AUTHORITY),
    ];
    for reference in &quickstart {
        let name = reference.rsplit('/').next().unwrap_or_default().replace(['.', ':', '-'], "_");
        scenario.check(&format!("{name}_is_verified"), || second.verifies(reference).map(drop));
        scenario.check(&format!("{name}_is_reproduced"), || {
            machine(scenario, &server, &format!("for-{name}"))?.reproduces(reference, &[])
        });
    }
    for id in scenario.setup("the_catalog_is_listed", || buildable(scenario))? {
        let name = id.replace(['/', '.', '-'], "_");
        scenario.check(&format!("{name}_is_built_and_verified"), || {
            let reference = build(scenario, &example, &id, &registry.to_string())?;
            second.verifies(&reference).map(drop)
        });
    }
    scenario.check("a_layout_is_verified_and_reproduced", || {
        layout(scenario, &example, &machine(scenario, &server, "third")?)
    });
    scenario.check("nothing_but_the_registry_is_asked_the_second_time", || {
        second.reproduces(&customized, &[])?;
        second.reproduces_alone(&customized)
    });
    scenario.check("an_image_that_keeps_its_inputs_needs_nothing_but_its_repository", || {
        let reference = keeping(scenario, &example, &registry.to_string())?;
        machine(scenario, &server, "alone")?.reproduces_alone(&reference)
    });
    scenario.check("origins_are_explained", || explained(&second, &customized));
    scenario.check("a_foreign_name_is_refused", || {
        let client = second.temper("verify", &customized).args(["--repository", "acme/postgres"]);
        let report = image::json(&client.exits_with(1)?.stdout)?;
        let message = "the image was built for `acme/dhi-python`, not for `acme/postgres`";
        ensure!(report["failed"][0]["message"] == message, "{report:#}");
        Ok(())
    });
    scenario.check("another_key_verifies_nothing", || {
        let other = scenario.temper().args(["key", "create", "--data-dir"]).args([scenario.path("other")]);
        other.succeeds()?;
        let client =
            scenario.temper().args(["verify", &customized, "--data-dir"]).args([scenario.path("other")]);
        let captured = client.exits_with(1)?;
        ensure!(
            captured.stdout.contains("index, signature: it has no signature by the key"),
            "{}",
            captured.stdout
        );
        Ok(())
    });
    scenario
        .check("a_flipped_bit_is_found_where_it_is", || flipped(scenario, &example, &second, &customized));
    Ok(())
}

/// A machine that fetches the key from where it is published.
fn machine<'a>(scenario: &'a Scenario<'a>, server: &Server, name: &str) -> Result<Second<'a>> {
    Second::new(scenario, name, format!("http://{}/keyring/latest.pub", server.address()))
}

/// The definitions that can be built here.
fn buildable(scenario: &Scenario) -> Result<Vec<String>> {
    let list = image::json(&scenario.temper().args(["catalog", "list", "--json"]).succeeds()?)?;
    let lines = list["definitions"].as_array().context("the list has no definitions")?;
    let obstacles = |line: &&Value| line["obstacles"].as_array().is_none_or(Vec::is_empty);
    let ids = lines.iter().filter(obstacles).map(|line| image::text(line, "id").map(str::to_owned));
    let ids: Vec<String> = ids.collect::<Result<_>>()?;
    ensure!(ids.len() > 5, "only {ids:?} can be built");
    Ok(ids)
}

/// Builds a definition into the registry, as the first machine does.
fn build(scenario: &Scenario, example: &Example, id: &str, registry: &str) -> Result<String> {
    let repository = format!("{registry}/catalog/{}", id.split('/').next().unwrap_or_default());
    let client = scenario.temper().args(["catalog", "build", id, "--json", "--output", &repository]);
    let built = image::json(&client.args(["--data-dir"]).args([&example.data]).succeeds()?)?;
    Ok(image::text(&built, "reference")?.to_owned())
}

/// A customization whose base and artifact are layouts, written to one.
fn layout(scenario: &Scenario, example: &Example, third: &Second<'_>) -> Result<()> {
    let output = image::layout(&scenario.path("result"));
    let document = scenario.repository_path("examples/quickstart.yaml");
    let artifact = format!("{}={}", example::AUTHORITY, example.authority);
    let client = scenario.temper().args(["build", &document.to_string_lossy(), "--base", &example.base]);
    let client = client.args(["--artifact", &artifact, "--json", "--output", &output, "--data-dir"]);
    client.args([&example.data]).succeeds()?;
    let reference = format!("{output}:3.13_custom");
    third.verifies(&reference)?;
    // A layout has the layers of its base, but not its manifests.
    let missing = third.temper("reproduce", &reference).exits_with(1)?;
    ensure!(missing.stdout.contains("--input"), "{}", missing.stdout);
    third.reproduces(&reference, &[example.base.clone(), example.authority.clone()])?;
    // What it was made of is on this machine now.
    third.reproduces(&reference, &[])
}

/// A customization of layouts with everything that it was made of, in a repository that has nothing else.
fn keeping(scenario: &Scenario, example: &Example, registry: &str) -> Result<String> {
    let document = scenario.repository_path("examples/quickstart.yaml");
    let artifact = format!("{}={}", example::AUTHORITY, example.authority);
    let output = format!("{registry}/acme/keeping");
    let client = scenario.temper().args(["build", &document.to_string_lossy(), "--keep-inputs", "--json"]);
    let client = client.args(["--base", &example.base, "--artifact", &artifact, "--output", &output]);
    let built = image::json(&client.args(["--data-dir"]).args([&example.data]).succeeds()?)?;
    Ok(image::text(&built, "reference")?.to_owned())
}

fn explained(second: &Second<'_>, reference: &str) -> Result<()> {
    for (what, expected) in [
        (&["/usr/bin/curl"][..], "of package `curl "),
        (&["/usr/local/bin/hello"], "the document itself writes it"),
        (&["/usr/local/share/ca-certificates/temper-example-ca.crt"], "of artifact `acme/private-ca:v1`"),
        (&["/usr/bin/python3"], "of base `acme/dhi-python:3.13`"),
        (&["--env", "LOG_LEVEL"], "the customization document sets it"),
        (&["--user", "app"], "the customization document adds it"),
    ] {
        let explained = image::json(&second.temper("explain", reference).args(what).succeeds()?)?;
        let origin = image::text(&explained, "origin")?;
        ensure!(origin.starts_with(expected), "{what:?}: {origin}");
    }
    let client = second.temper("explain", reference).args(["/usr/bin/python3.13"]);
    let explained = image::json(&client.succeeds()?)?;
    let of_base = image::text(&explained["base"], "origin")?;
    ensure!(of_base.starts_with("of package `python3.13-minimal "), "{explained:#}");
    Ok(())
}

/// Changes one bit of a layer in the storage of the registry, and puts it back.
fn flipped(scenario: &Scenario, example: &Example, second: &Second<'_>, reference: &str) -> Result<()> {
    let manifest = image::platform_digest(scenario, reference, "arm64")?;
    let repository = reference.rsplit_once(':').map_or(reference, |(repository, _)| repository);
    let options = ["inspect", "--raw", "--tls-verify=false"];
    let manifest = scenario.tool("skopeo")?.args(options).args([format!("docker://{repository}@{manifest}")]);
    let manifest = image::json(&manifest.succeeds()?)?;
    let layers = manifest["layers"].as_array().context("the manifest has no layers")?;
    let position = layers.len() - 1;
    let path = stored(&example.data, image::text(&layers[position], "digest")?)?;
    let before = fs::read(&path)?;
    let mut changed = before.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let replace = |bytes: &[u8]| {
        // The file may be one with a blob of the data folder, which must stay as it is.
        fs::remove_file(&path)?;
        fs::write(&path, bytes)
    };
    replace(&changed)?;
    let captured = second.temper("verify", reference).exits_with(1);
    replace(&before)?;
    let report = image::json(&captured?.stdout)?;
    let failed = report["failed"].as_array().context("the report has no failures")?;
    let place = format!("index, linux/arm64, layer {position}");
    ensure!(failed.len() == 1 && failed[0]["at"] == place.as_str(), "{report:#}");
    second.verifies(reference).map(drop)
}

/// Finds the file of a blob in the storage of a data folder's registry.
fn stored(data: &Path, digest: &str) -> Result<PathBuf> {
    let folder = data.join("registry/blobs/sha256");
    let name = digest.trim_start_matches("sha256:");
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_meant =
        |path: &PathBuf| path.file_name().is_some_and(|own| own.to_string_lossy().starts_with(name));
    paths.find(is_meant).with_context(|| format!("`{digest}` is not in the registry's storage"))
}
