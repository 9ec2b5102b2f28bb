//! skopeo: images for several platforms, the other manifest format, tags, deletion.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Sample, ensure_says, push_sample};
use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

pub(crate) fn check(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let skopeo = || place.container_tool(scenario, "skopeo");
    let tls = |command: &str| {
        let plain: &[&str] = match command {
            "copy-from" => &["--src-tls-verify=false"],
            "copy-to" => &["--dest-tls-verify=false"],
            _ => &["--tls-verify=false"],
        };
        place.tls_options(plain)
    };
    place.log_in(|| Ok(skopeo()?.args(["login"]).args(tls("login"))))?;
    let reference = push_sample(scenario, place, sample, "by-skopeo:one")?;
    let remote = format!("docker://{reference}");
    let digest = skopeo()?.args(["inspect", "--format={{.Digest}}"]).args(tls("inspect")).args([&remote]);
    ensure!(digest.succeeds()?.trim() == sample.digest);

    let directory = place.path("from-skopeo");
    let local = format!("{}:image", image::layout(&directory));
    let back = skopeo()?.args(["copy", "--quiet", "--all", "--preserve-digests"]).args(tls("copy-from"));
    back.args([&remote, &local]).succeeds()?;
    image::validate(scenario, &local, &sample.digest)?;

    let docker = format!("docker://{}", place.reference("by-skopeo:docker"));
    let convert = skopeo()?.args(["--override-arch=arm64", "copy", "--quiet", "--format=v2s2"]);
    convert.args(tls("copy-to")).args([&sample.layout, &docker]).succeeds()?;
    let raw = skopeo()?.args(["inspect", "--raw"]).args(tls("inspect")).args([&docker]).succeeds()?;
    ensure_says(&raw, "application/vnd.docker.distribution.manifest.v2+json")?;

    let tags = || {
        let repository = format!("docker://{}", place.reference("by-skopeo"));
        image::json(&skopeo()?.args(["list-tags"]).args(tls("list-tags")).args([&repository]).succeeds()?)
    };
    ensure!(tags()?["Tags"] == json!(["docker", "one"]));
    skopeo()?.args(["delete"]).args(tls("delete")).args([&docker]).succeeds()?;
    ensure!(tags()?["Tags"] == json!(["one"]));
    skopeo()?.args(["inspect"]).args(tls("inspect")).args([&docker]).fails().map(drop)
}
