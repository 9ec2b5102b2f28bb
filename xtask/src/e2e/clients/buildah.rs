//! buildah: an image for two platforms from nothing, and one from a base in the registry.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::{Sample, ensure_says, push_sample, raw_manifest};
use crate::e2e::client::Client;
use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

const PLATFORMS: [&str; 2] = ["amd64", "arm64"];

/// Makes the sample in a layout and returns `oci:DIR:TAG`.
pub(crate) fn sample(scenario: &Scenario, directory: &Path) -> Result<String> {
    let buildah = || Ok::<_, anyhow::Error>(storage(scenario, scenario.tool("buildah")?));
    let content = scenario.path("content");
    for platform in PLATFORMS {
        fs::write(&content, format!("content for {platform}\n").repeat(1000))?;
        let container = buildah()?.args(["from", "--arch", platform, "scratch"]).succeeds()?;
        let container = container.trim();
        buildah()?.args(["copy", "--quiet", container]).args([&content]).args(["/content"]).succeeds()?;
        buildah()?.args(["config", "--arch", platform, "--cmd=/content", container]).succeeds()?;
        buildah()?.args(["commit", "--quiet", "--rm", "--manifest=sample", container]).succeeds()?;
    }
    let layout = format!("{}:image", image::layout(directory));
    buildah()?.args(["manifest", "push", "--quiet", "--all", "sample", &layout]).succeeds()?;
    Ok(layout)
}

pub(crate) fn check(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let buildah = || Ok::<_, anyhow::Error>(storage(scenario, place.container_tool(scenario, "buildah")?));
    let tls = place.tls_options(&["--tls-verify=false"]);
    place.log_in(|| Ok(buildah()?.args(["login"]).args(&tls)))?;
    let base = push_sample(scenario, place, sample, "for-buildah:one")?;
    let container =
        buildah()?.args(["from", "--pull-always", "--quiet"]).args(&tls).args([&base]).succeeds()?;
    let container = container.trim();
    let file = place.path("added");
    fs::write(&file, format!("added in the place {}\n", place.name()))?;
    buildah()?.args(["copy", "--quiet", container]).args([&file]).args(["/added"]).succeeds()?;
    let image = place.reference("by-buildah:one");
    buildah()?.args(["commit", "--quiet", "--rm", container, &image]).succeeds()?;
    buildah()?.args(["push", "--quiet"]).args(&tls).args([&image]).succeeds()?;

    let list = place.reference("by-buildah:index");
    buildah()?.args(["manifest", "create", &list]).succeeds()?;
    buildah()?
        .args(["manifest", "add", "--all"])
        .args(&tls)
        .args([&list, &format!("docker://{base}")])
        .succeeds()?;
    let to = format!("docker://{list}");
    buildah()?.args(["manifest", "push", "--quiet", "--all"]).args(&tls).args([&list, &to]).succeeds()?;
    buildah()?.args(["rmi", "--force", &image, &list]).succeeds()?;
    let inspected = raw_manifest(scenario, place, &list)?;
    PLATFORMS.iter().try_for_each(|platform| ensure_says(&inspected, platform))?;
    let pulled = buildah()?.args(["pull", "--quiet"]).args(&tls).args([&image]).succeeds()?;
    ensure!(!pulled.trim().is_empty());
    Ok(())
}

/// A storage that needs neither mounts nor a kernel's help.
fn storage<'a>(scenario: &'a Scenario<'a>, client: Client<'a>) -> Client<'a> {
    let (root, state) = (scenario.path("buildah"), scenario.short_path("buildah"));
    client
        .args(["--root".as_ref(), root.as_os_str(), "--runroot".as_ref(), state.as_os_str()])
        .args(["--storage-driver=vfs"])
}
