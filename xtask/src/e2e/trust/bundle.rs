//! `temper bundle`: images on their way to a network without a way out, verified where they arrive.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::e2e::client::Client;
use crate::e2e::example::REPOSITORY;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::second::Second;
use crate::e2e::trust::cosign::{COSIGNS, Cosign, TYPES};
use crate::e2e::trust::published::Published;

/// Exports what a registry has, and imports it into another one, `registry`, with the data folder of nobody.
pub(super) fn check(scenario: &Scenario, published: &Published, data: &Path, registry: &str) {
    let bundle = scenario.path("bundle.tar").display().to_string();
    let key = published.key.as_str();
    let here = |arguments: &[&str]| bundle_command(scenario, data, arguments);
    let there = |arguments: &[&str]| bundle_command(scenario, &scenario.path("air-gap"), arguments);
    scenario.check("a_bundle_has_the_image_and_its_packages", || {
        let export = ["export", "--json", &published.by_tag(), "--output", &bundle, "--packages"];
        let made = image::json(&here(&export).succeeds()?)?;
        ensure!(made["images"][0]["digest"] == published.index.as_str(), "{made}");
        ensure!(made["packages"].as_u64() > Some(0), "{made}");
        ensure!(made["packages_missing"] == 0, "{made}");
        let first = fs::read(&bundle)?;
        here(&export).succeeds()?;
        ensure!(fs::read(&bundle)? == first, "two bundles of one image differ");
        Ok(())
    });
    scenario.check("an_imported_bundle_verifies_where_it_arrives", || {
        let import = ["import", "--json", &bundle, "--key", key, "--output", registry];
        let imported = image::json(&there(&import).succeeds()?)?;
        let arrived = format!("{registry}/{REPOSITORY}:3.13_custom");
        ensure!(imported["images"][0]["pushed_to"] == json!(arrived), "{imported}");
        ensure!(imported["packages"].as_u64() > Some(0), "{imported}");
        let names = [&published.index, &published.platforms[0], &published.platforms[1]];
        let names = names.map(|digest| format!("{registry}/{REPOSITORY}@{digest}"));
        for program in COSIGNS {
            let cosign = Cosign::new(scenario, program, key);
            for name in names.iter().chain([&arrived]) {
                cosign.verify(name)?;
                cosign.verify_attestation(name, TYPES[0])?;
            }
        }
        image::pull(scenario, &arrived, "arrived", &published.index).map(drop)
    });
    scenario
        .check("an_image_is_built_again_from_its_bundle_alone", || built_again(scenario, &here, published));
    scenario.check("a_bundle_is_verified_by_the_id_of_its_key", || {
        let shown = image::json(
            &scenario.temper().args(["key", "show", "--json", "--data-dir"]).args([data]).succeeds()?,
        )?;
        let id = image::text(&shown, "id")?;
        there(&["import", &bundle, "--key", id]).succeeds()?;
        let other = format!("sha256:{}", "0".repeat(64));
        says(there(&["import", &bundle, "--key", &other]), "the bundle has no key")
    });
    scenario.check("a_bundle_cannot_rename_an_image_or_leave_its_provenance_behind", || {
        renamed(&here, &there, published, &scenario.path("renamed"))
    });
    scenario.check("a_bundle_with_another_key_or_a_changed_bit_is_refused", || {
        let stranger = Cosign::new(scenario, "cosign", "").other_key()?;
        says(there(&["import", &bundle, "--key", &stranger]), "has no signature by the key")?;
        let mut bytes = fs::read(&bundle)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let changed = scenario.path("changed.tar").display().to_string();
        fs::write(&changed, bytes)?;
        says(there(&["import", &changed, "--key", key]), "cannot be read")
    });
}

/// Carries an image with everything that it was made of to a machine that reaches nothing else, which builds it again.
fn built_again<'a>(
    scenario: &'a Scenario<'a>,
    here: &dyn Fn(&[&str]) -> Client<'a>,
    published: &Published,
) -> Result<()> {
    let bundle = scenario.path("with-inputs.tar").display().to_string();
    let export = ["export", "--json", &published.by_tag(), "--output", &bundle, "--inputs"];
    let made = image::json(&here(&export).succeeds()?)?;
    ensure!(made["inputs"] == 2 && made["packages_missing"] == 0, "{made}");
    let island = Second::new(scenario, "island", published.key.clone())?;
    let data = island.home.join("data");
    let inside = scenario.path("island-registry");
    let server = scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), inside.as_os_str()])?;
    let registry = server.address().to_string();
    let import = scenario.temper().args(["bundle", "import", &bundle, "--json", "--key", &published.key]);
    let import = import.args(["--output", &registry, "--data-dir"]).args([&data]).env("HOME", &island.home);
    let imported = image::json(&import.succeeds()?)?;
    ensure!(imported["inputs"] == 2, "{imported}");
    let arrived = image::text(&imported["images"][0], "pushed_to")?;
    island.reproduces_alone(arrived)
}

fn bundle_command<'a>(scenario: &'a Scenario<'a>, data: &Path, arguments: &[&str]) -> Client<'a> {
    scenario.temper().args(["bundle"]).args(arguments).args(["--data-dir".as_ref(), data.as_os_str()])
}

/// Signs and attests an image with a key that nobody knows, and carries it on all the same.
pub(super) fn check_strangers(scenario: &Scenario, published: &Published, data: &Path) {
    scenario.check("what_strangers_attach_is_left_out_of_a_bundle", || strangers(scenario, published, data));
}

fn strangers(scenario: &Scenario, published: &Published, data: &Path) -> Result<()> {
    let predicate = scenario.path("predicate.json");
    fs::write(&predicate, r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}"#)?;
    let predicate = predicate.display().to_string();
    let key = Cosign::new(scenario, "cosign", "").other_key()?.replace(".pub", ".key");
    let image = published.by_digest(&published.index);
    let options = ["--yes", "--tlog-upload=false", "--key", &key];
    for program in COSIGNS {
        let signing = if program == "cosign3" { &["--use-signing-config=false"][..] } else { &[] };
        let cosign = Cosign::new(scenario, program, "");
        cosign.command(&["sign"])?.args(options).args(signing).args([&image]).succeeds()?;
        let attest = cosign.command(&["attest", "--type", "openvex", "--predicate", &predicate])?;
        attest.args(options).args(signing).args([&image]).succeeds()?;
    }
    let bundle = scenario.path("without-strangers.tar").display().to_string();
    let export = ["export", "--json", &published.by_tag(), "--output", &bundle];
    let captured = bundle_command(scenario, data, &export).exits_with(0)?;
    let made = image::json(&captured.stdout)?;
    let left_out = made["images"][0]["left_out"].as_array().map(Vec::len);
    ensure!(left_out.is_some_and(|count| count >= 4), "{made}");
    ensure!(captured.stderr.contains("is of none of the keys and left out"), "{}", captured.stderr);
    let import = ["import", &bundle, "--key", &published.key];
    bundle_command(scenario, &scenario.path("air-gap"), &import).succeeds().map(drop)
}

/// Names that a bundle gives its images are believed as little as the rest of it.
fn renamed<'a>(
    here: &dyn Fn(&[&str]) -> Client<'a>,
    there: &dyn Fn(&[&str]) -> Client<'a>,
    published: &Published,
    folder: &Path,
) -> Result<()> {
    let (bundle, key) = (format!("oci:{}", folder.display()), published.key.as_str());
    here(&["export", &published.by_tag(), "--output", &bundle]).succeeds()?;
    let import = ["import", &bundle, "--key", key];
    let index = folder.join("index.json");
    let genuine = fs::read_to_string(&index)?;
    let by_tag = published.by_tag();
    for (name, expected) in [
        (by_tag.replace(REPOSITORY, "acme/postgres"), "not for `acme/postgres`"),
        (by_tag.replace(":3.13_custom", ":3.12_custom"), "it names another image now"),
    ] {
        ensure!(name != by_tag, "`{by_tag}` has another form");
        fs::write(&index, genuine.replace(&by_tag, &name))?;
        says(there(&import), expected)?;
    }
    fs::write(&index, genuine.replace(&by_tag, &by_tag.replace(REPOSITORY, "mirror/python")))?;
    there(&[&import[..], &["--repository", REPOSITORY]].concat()).succeeds()?;
    let mut stripped: Value = serde_json::from_str(&genuine)?;
    let entries = stripped["manifests"].as_array_mut().context("no entries")?;
    let before = entries.len();
    entries.retain(|entry| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap_or_default();
        !name.starts_with("sha256-") || name.split('.').next_back() == Some("sig")
    });
    ensure!(entries.len() < before, "{genuine}");
    fs::write(&index, stripped.to_string())?;
    says(there(&import), "provenance: it has none that a given key signed")
}

fn says(client: Client<'_>, expected: &str) -> Result<()> {
    let captured = client.fails()?;
    ensure!(captured.stderr.contains(expected), "`{expected}` is missing in {}", captured.stderr);
    Ok(())
}
