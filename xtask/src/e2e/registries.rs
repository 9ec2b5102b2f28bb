//! Images on their way through registries: a foreign one as source and destination, ours for foreign clients.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::docker_registry::DockerRegistry;
use crate::e2e::example::{AUTHORITY, Example, REPOSITORY, example};
use crate::e2e::scenario::Scenario;
use crate::e2e::server::{Server, free_address};
use crate::e2e::{image, podman};
use crate::tools::debian;
use crate::zot;

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let example = scenario.setup("the_images_are_there", || example(scenario))?;
    let address = free_address()?;
    let foreign = address.to_string();
    let _registry = scenario.setup("docker_registry_answers", || {
        DockerRegistry::start(
            &scenario.tool_path("docker-registry")?,
            &scenario.path("docker-registry"),
            address,
        )
    })?;
    scenario.check("a_foreign_registry_is_source_and_destination", || build_in(scenario, &example, &foreign));
    scenario.check("a_catalog_image_is_pushed_to_a_foreign_registry", || {
        let repository = format!("{foreign}/acme/dhi-static");
        let arguments = ["catalog", "build", "static/debian-13/13", "--json", "--output", &repository];
        let built = scenario.temper().args(arguments).args(["--data-dir".as_ref(), example.data.as_os_str()]);
        let built = image::json(&built.succeeds()?)?;
        image::pull(scenario, image::text(&built, "reference")?, "static", image::text(&built, "digest")?)
            .map(drop)
    });
    zot_is_source_and_destination(scenario, &example);
    let data = scenario.path("own");
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let server = scenario.setup("serve_answers_over_an_empty_folder", || scenario.serve(&arguments))?;
    let own = server.address().to_string();
    scenario.check("skopeo_pushes_and_pulls", || skopeo_round_trip(scenario, &example, &own));
    scenario.check("podman_pushes_and_pulls", || podman_round_trip(scenario, &example, &own));
    scenario.check("our_registry_is_source_and_destination", || build_in(scenario, &example, &own));
    Ok(())
}

/// The same with zot, on machines that have it: nobody packages it.
fn zot_is_source_and_destination(scenario: &Scenario, example: &Example) {
    let Some(program) = debian::program("zot") else {
        println!("registries: zot is not in the PATH, its part is skipped");
        return;
    };
    scenario.check("zot_is_source_and_destination", || {
        let address = free_address()?;
        let command = zot::command(&program, &scenario.path("zot"), address)?;
        let server = Server::start_at(address, command, &scenario.log("zot"))?;
        build_in(scenario, example, &server.address().to_string())
    });
}

/// Puts base and artifact into a registry, customizes there, and looks at what came out.
fn build_in(scenario: &Scenario, example: &Example, registry: &str) -> Result<()> {
    let repository = format!("{registry}/{REPOSITORY}");
    let base = format!("{repository}:3.13");
    image::push(scenario, &example.base, &base)?;
    image::push(scenario, &example.authority, &format!("{registry}/{AUTHORITY}"))?;
    let document = scenario.repository_path("examples/quickstart.yaml");
    let client = scenario.temper().args(["build".as_ref(), document.as_os_str()]);
    let client = client.args(["--json", "--server", registry, "--base", &base, "--output", &repository]);
    let client = client.args(["--data-dir".as_ref(), example.data.as_os_str()]);
    let built = image::json(&client.succeeds()?)?;
    ensure!(built["digest"] == json!(example.digest), "{built}, the quickstart gives {}", example.digest);
    let reference = image::text(&built, "reference")?;
    ensure!(reference == format!("{repository}:3.13_custom"), "the reference is {reference}");
    let tags = built["tags"].as_array().context("no tags")?;
    ensure!(tags.len() == 3, "{built}");
    for tag in tags {
        let tag = tag.as_str().context("a tag that is no text")?;
        let (digest, architectures) = image::inspect(scenario, &format!("{repository}:{tag}"))?;
        ensure!(digest == example.digest, "{tag} is {digest}");
        ensure!(architectures == ["amd64", "arm64"], "the platforms of {tag} are {architectures:?}");
    }
    let name = format!("from-{}", registry.replace(':', "-"));
    image::pull(scenario, reference, &name, &example.digest)?;
    podman::pull(scenario, reference)?;
    let output = podman::run(scenario)?.args([reference, "hello"]).succeeds()?;
    ensure!(output.trim() == "hello from app, log level info", "hello says `{output}`");
    Ok(())
}

fn skopeo_round_trip(scenario: &Scenario, example: &Example, own: &str) -> Result<()> {
    let reference = format!("{own}/acme/by-skopeo:one");
    image::push(scenario, &example.base, &reference)?;
    let (digest, architectures) = image::inspect(scenario, &reference)?;
    ensure!(architectures == ["amd64", "arm64"], "the platforms are {architectures:?}");
    image::validate(scenario, &example.base, &digest)?;
    image::pull(scenario, &reference, "by-skopeo", &digest)?;
    let listed = scenario.tool("skopeo")?.args([
        "list-tags",
        "--tls-verify=false",
        &format!("docker://{own}/acme/by-skopeo"),
    ]);
    let listed = image::json(&listed.succeeds()?)?;
    ensure!(listed["Tags"] == json!(["one"]), "{listed}");
    Ok(())
}

/// Podman changes the base, so that it has a layer of its own to upload.
fn podman_round_trip(scenario: &Scenario, example: &Example, own: &str) -> Result<()> {
    let podman = || podman::podman(scenario);
    let base = podman()?.args(["pull", "--quiet", &example.base]).succeeds()?;
    let write = "open('/made-by-podman', 'w').write('made by podman ' * 1000)";
    let options = ["--name=made", "--network=none", "--user=0", "--ulimit=nofile=1024:1024"];
    let client = podman()?.args(["run"]).args(options).args(["--ulimit=nproc=1000:1000"]);
    client.args([base.trim(), "python3", "-c", write]).succeeds()?;
    let reference = format!("{own}/acme/by-podman:one");
    podman()?.args(["commit", "--quiet", "made", &reference]).succeeds()?;
    podman()?.args(["push", "--quiet", "--tls-verify=false", &reference]).succeeds()?;
    podman()?.args(["rm", "made"]).succeeds()?;
    podman()?.args(["rmi", &reference]).succeeds()?;
    podman::pull(scenario, &reference)?;
    let read = "print(open('/made-by-podman').read().count('podman'))";
    let output = podman::run(scenario)?.args([&reference, "python3", "-c", read]).succeeds()?;
    ensure!(output.trim() == "1000", "the file has {output} words");
    Ok(())
}
