//! The compression that a document asks for: gzip passes every client, zstd is refused by old ones, and the plan says so.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::client::Client;
use crate::e2e::example::{Example, example};
use crate::e2e::scenario::Scenario;
use crate::e2e::{image, podman};

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let example = scenario.setup("the_base_is_there", || example(scenario))?;
    let gzip = scenario.setup("gzip_is_built", || build(scenario, &example, "gzip"))?;
    let zstd = scenario.setup("zstd_is_built", || build(scenario, &example, "zstd"))?;

    scenario.check("the_plan_warns_of_zstd_alone", || {
        let of_zstd = compression_warnings(&plan(scenario, &example, "zstd")?)?;
        let of_gzip = compression_warnings(&plan(scenario, &example, "gzip")?)?;
        ensure!(of_zstd.len() == 1 && of_zstd[0].contains("zstd"), "the warnings of zstd are {of_zstd:?}");
        ensure!(of_gzip.is_empty(), "the warnings of gzip are {of_gzip:?}");
        Ok(())
    });
    scenario.check("docker_archive_takes_gzip", || gzip.to_docker_archive(scenario)?.succeeds().map(drop));
    scenario.check("docker_archive_refuses_zstd", || {
        let captured = zstd.to_docker_archive(scenario)?.fails()?;
        ensure!(captured.stderr.contains("zstd"), "{}", captured.stderr);
        Ok(())
    });
    scenario.check("umoci_unpacks_gzip", || {
        gzip.unpack(scenario)?.succeeds()?;
        let file = gzip.directory.join("bundle/rootfs/usr/bin/jq");
        ensure!(file.is_file(), "`{}` is missing", file.display());
        Ok(())
    });
    scenario.check("umoci_refuses_zstd", || {
        let captured = zstd.unpack(scenario)?.fails()?;
        ensure!(captured.stderr.contains("zstd"), "{}", captured.stderr);
        Ok(())
    });
    scenario.check("podman_runs_gzip", || gzip.runs(scenario));
    scenario.check("podman_runs_zstd", || zstd.runs(scenario));
    Ok(())
}

/// A built image: one layout with the index, one with the variant of amd64 alone, which is what old clients read.
struct Built {
    directory: PathBuf,
}

impl Built {
    fn variant(&self) -> PathBuf {
        self.directory.join("amd64")
    }

    fn to_docker_archive<'a>(&self, scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
        let archive = format!("docker-archive:{}", self.directory.join("image.tar").display());
        let layout = format!("{}:image", image::layout(&self.variant()));
        Ok(scenario.tool("skopeo")?.args(["copy", "--quiet", &layout, &archive]))
    }

    fn unpack<'a>(&self, scenario: &'a Scenario<'a>) -> Result<Client<'a>> {
        let source = format!("{}:image", self.variant().display());
        Ok(scenario.tool("umoci")?.args(["unpack", "--image", &source]).args([self.directory.join("bundle")]))
    }

    fn runs(&self, scenario: &Scenario) -> Result<()> {
        let layout = format!("{}:image", image::layout(&self.variant()));
        let id = podman::podman(scenario)?.args(["pull", "--quiet", &layout]).succeeds()?;
        let output =
            podman::run(scenario)?.args([id.trim(), "jq", "--null-input", "--compact-output", "[6 * 7]"]);
        let output = output.succeeds()?;
        ensure!(output.trim() == "[42]", "jq says `{output}`");
        Ok(())
    }
}

fn document(scenario: &Scenario, compression: &str) -> Result<PathBuf> {
    let path = scenario.path(format!("{compression}.yaml"));
    let text = format!(
        "name: {compression}\nsuffix: {compression}\n\
         targets: [{{destination: acme/dhi-python, tag: '3.13'}}]\n\
         contents: {{packages: [jq]}}\n\
         platforms: [linux/amd64, linux/arm64]\ncompression: {}\n",
        compression.to_ascii_uppercase()
    );
    fs::write(&path, text).context("writing a document")?;
    Ok(path)
}

fn plan(scenario: &Scenario, example: &Example, compression: &str) -> Result<Value> {
    let document = document(scenario, compression)?;
    let client = scenario.temper().args(["plan".as_ref(), document.as_os_str()]);
    let client = client.args(["--json", "--base", &example.base, "--data-dir"]).args([&example.data]);
    image::json(&client.succeeds()?)
}

/// The messages of a plan that belong to the document's `compression`.
fn compression_warnings(plan: &Value) -> Result<Vec<String>> {
    let warnings = plan["warnings"].as_array().context("the plan has no `warnings`")?;
    let own = warnings.iter().filter(|warning| warning["path"] == "compression");
    own.map(|warning| image::text(warning, "message").map(str::to_owned)).collect()
}

fn build(scenario: &Scenario, example: &Example, compression: &str) -> Result<Built> {
    let document = document(scenario, compression)?;
    let directory = scenario.path(compression);
    let output = image::layout(&directory.join("index"));
    let client = scenario.temper().args(["build".as_ref(), document.as_os_str()]);
    let client = client.args(["--json", "--base", &example.base, "--output", &output, "--data-dir"]);
    let built = image::json(&client.args([&example.data]).succeeds()?)?;
    image::validate(scenario, &output, image::text(&built, "digest")?)?;
    let built = Built { directory };
    let variant = format!("{}:image", image::layout(&built.variant()));
    // By its tag: signatures stand beside the image.
    let tagged = format!("{output}:3.13_{compression}");
    image::copy_variant(scenario, "amd64", &tagged, &variant)?;
    let newest = newest_media_type(scenario, &variant)?;
    let expected = format!("application/vnd.oci.image.layer.v1.tar+{compression}");
    ensure!(newest == expected, "the newest layer is {newest}, expected {expected}");
    Ok(built)
}

fn newest_media_type(scenario: &Scenario, layout: &str) -> Result<String> {
    let manifest = image::json(&scenario.tool("skopeo")?.args(["inspect", "--raw", layout]).succeeds()?)?;
    let newest = manifest["layers"].as_array().and_then(|layers| layers.last());
    image::text(newest.context("a manifest without layers")?, "mediaType").map(str::to_owned)
}
