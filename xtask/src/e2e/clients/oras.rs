//! oras: artifacts, what refers to them, and copies of both.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Sample, ensure_says, push_sample};
use crate::e2e::client::Client;
use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

const SBOM: &str = "application/vnd.example.sbom";
const NOTE: &str = "application/vnd.example.note";

pub(crate) fn check(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let plain = [place.plain_http()];
    let both_plain = [place.plain_http().replace("--", "--from-"), place.plain_http().replace("--", "--to-")];
    let oras = |command: &[&str]| Ok::<_, anyhow::Error>(place.tool(scenario, "oras")?.args(command));
    let on = |command: &[&str]| Ok::<_, anyhow::Error>(oras(command)?.args(&plain));
    place.log_in(|| on(&["login"]))?;
    let files = place.path("oras");
    fs::create_dir_all(&files)?;
    for name in ["chart.txt", "sbom.json", "note.txt"] {
        fs::write(files.join(name), format!("content of {name}"))?;
    }
    let file = |name: &str| files.join(name).display().to_string();
    let with_file = |client: Client<'_>, reference: &str, name: &str| {
        let file = format!("{}:text/plain", file(name));
        client.args(["--disable-path-validation", reference, &file]).succeeds()
    };

    let artifact = place.reference("by-oras:one");
    with_file(on(&["push", "--artifact-type=application/vnd.example.chart"])?, &artifact, "chart.txt")?;
    with_file(on(&["attach", "--artifact-type", SBOM, "--annotation=by=oras"])?, &artifact, "sbom.json")?;
    with_file(on(&["attach", "--artifact-type", NOTE])?, &artifact, "note.txt")?;
    ensure!(referrers(&on(&["discover", "--format=json", &artifact])?.succeeds()?)?.len() == 2);
    let discover = on(&["discover", "--format=json", "--artifact-type", SBOM, &artifact])?.succeeds()?;
    let found = referrers(&discover)?;
    ensure!(found.len() == 1 && found[0]["annotations"]["by"] == "oras", "{discover}");
    let tags = || on(&["repo", "tags", &place.reference("by-oras")])?.succeeds();
    ensure!(tags()?.trim() == "one", "referrers need no tags");

    let copied = place.reference("copied-by-oras:one");
    oras(&["cp", "--recursive"])?.args(&both_plain).args([&artifact, &copied]).succeeds()?;
    ensure!(referrers(&on(&["discover", "--format=json", &copied])?.succeeds()?)?.len() == 2);
    let output = place.path("pulled-by-oras").display().to_string();
    on(&["pull", "--allow-path-traversal", "--output", &output, &copied])?.succeeds()?;

    let source = push_sample(scenario, place, sample, "for-oras:one")?;
    let variant = on(&["manifest", "fetch", "--platform=linux/arm64", &source])?.succeeds()?;
    ensure_says(&variant, "layers")?;
    let resolved = on(&["resolve", &source])?.succeeds()?;
    ensure!(resolved.trim() == sample.digest, "{source} is {resolved}");
    on(&["tag", &artifact, "two"])?.succeeds()?;
    on(&["manifest", "delete", "--force", &artifact])?.succeeds()?;
    ensure!(tags()?.trim().is_empty(), "both tags went with their manifest");
    blobs(place, &on, &file("note.txt"))
}

/// A blob on its own.
fn blobs<'a>(place: &Place, on: &impl Fn(&[&str]) -> Result<Client<'a>>, file: &str) -> Result<()> {
    let repository = place.reference("blobs-by-oras");
    let pushed = image::json(&on(&["blob", "push", "--descriptor", &repository, file])?.succeeds()?)?;
    let blob = format!("{repository}@{}", image::text(&pushed, "digest")?);
    let content = on(&["blob", "fetch", "--output=-", &blob])?.succeeds()?;
    ensure!(content == "content of note.txt", "the blob is `{content}`");
    on(&["blob", "delete", "--force", &blob])?.succeeds()?;
    on(&["blob", "fetch", "--descriptor", &blob])?.fails().map(drop)
}

/// The list that `discover` prints.
fn referrers(output: &str) -> Result<Vec<Value>> {
    let found = image::json(output)?;
    let list = found.get("referrers").or_else(|| found.get("manifests")).and_then(Value::as_array);
    list.cloned().with_context(|| format!("no referrers in {output}"))
}
