//! crane: copies between repositories, which mount what is there, and single blobs, manifests and tags.

use std::fs;

use anyhow::{Result, ensure};

use super::{Sample, push_sample};
use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

pub(crate) fn check(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let crane = || place.tool(scenario, "crane");
    place.keep_login(|| Ok(crane()?.args(["auth", "login"])))?;
    let source = push_sample(scenario, place, sample, "for-crane:one")?;
    let copy = place.reference("by-crane:one");
    crane()?.args(["copy", &source, &copy]).succeeds()?;
    ensure!(crane()?.args(["digest", &copy]).succeeds()?.trim() == sample.digest);
    crane()?.args(["validate", "--remote", &copy]).succeeds()?;

    let layout = place.path("from-crane");
    crane()?.args(["pull", "--format=oci", &copy]).args([&layout]).succeeds()?;
    let pushed = place.reference("by-crane:pushed");
    crane()?.args(["push", "--index"]).args([&layout]).args([&pushed]).succeeds()?;
    crane()?.args(["validate", "--remote", &pushed]).succeeds()?;

    let manifest = image::json(&crane()?.args(["manifest", "--platform=linux/arm64", &copy]).succeeds()?)?;
    let config = image::text(&manifest["config"], "digest")?.to_owned();
    let blob = crane()?.args(["blob", &format!("{}@{config}", place.reference("by-crane"))]).succeeds()?;
    ensure!(image::json(&blob)?["architecture"] == "arm64", "the config is {blob}");

    let layer = place.path("layer.tar");
    fs::write(&layer, empty_archive())?;
    let changed = place.reference("by-crane:changed");
    let append = crane()?.args(["append", "--platform=linux/amd64", "--base", &copy, "--new_tag", &changed]);
    append.args(["--new_layer"]).args([&layer]).succeeds()?;
    let labelled = place.reference("by-crane:labelled");
    crane()?.args(["mutate", "--label=a=b", "--tag", &labelled, &changed]).succeeds()?;
    crane()?.args(["tag", &labelled, "tagged"]).succeeds()?;

    let tags = || crane()?.args(["ls", &place.reference("by-crane")]).succeeds();
    let listed = tags()?;
    let expected = ["changed", "labelled", "one", "pushed", "tagged"];
    ensure!(listed.lines().collect::<Vec<_>>() == expected, "the tags are\n{listed}");
    crane()?.args(["delete", &labelled]).succeeds()?;
    let listed = tags()?;
    ensure!(!listed.contains("labelled"), "the tags are\n{listed}");
    Ok(())
}

/// A tar archive without entries: two blocks of zeros.
fn empty_archive() -> Vec<u8> {
    vec![0; 1024]
}
