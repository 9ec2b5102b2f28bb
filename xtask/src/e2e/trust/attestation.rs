//! `temper attestation`: what it lists and shows is what is attached, and what `howto` writes works.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::client::Client;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::trust::cosign::{COSIGNS, Cosign, PREDICATE_TYPES};
use crate::e2e::trust::published::Published;

pub(super) fn check(scenario: &Scenario, published: &Published, data: &Path) {
    let bench = Bench { scenario, published, data };
    scenario.check("attestation_list_shows_all_types_and_who_signed", || lists(&bench));
    scenario.check("attestation_get_gives_the_statement_that_was_signed", || gets(&bench));
    scenario.check("attestation_sbom_shows_the_packages", || shows_packages(&bench));
    scenario.check("both_cosigns_run_what_howto_writes", || howto_works(&bench));
}

struct Bench<'a> {
    scenario: &'a Scenario<'a>,
    published: &'a Published,
    data: &'a Path,
}

impl<'a> Bench<'a> {
    fn attestation(&self, command: &str, options: &[&str]) -> Client<'a> {
        let client = self.scenario.temper().args(["attestation", command, &self.published.by_tag()]);
        client.args(options).args(["--data-dir".as_ref(), self.data.as_os_str()])
    }

    fn list(&self, options: &[&str]) -> Result<Vec<Value>> {
        let listed = image::json(&self.attestation("list", &[&["--json"], options].concat()).succeeds()?)?;
        listed["attestations"].as_array().cloned().with_context(|| format!("no list in {listed}"))
    }
}

fn lists(bench: &Bench) -> Result<()> {
    for platform in ["linux/amd64", "linux/arm64"] {
        let listed = bench.list(&["--platform", platform])?;
        for kind in PREDICATE_TYPES {
            let found = listed.iter().find(|entry| entry["predicate_type"] == *kind);
            let found = found.with_context(|| format!("no `{kind}` for {platform}"))?;
            ensure!(found["signed_by"][0].as_str().is_some_and(|name| name.starts_with("key ")), "{found}");
            ensure!(found["carriers"].as_array().map(Vec::len) == Some(2), "{found}");
        }
    }
    let one = bench.list(&["--predicate-type", PREDICATE_TYPES[1]])?;
    ensure!(one.len() == 1, "{one:?}");
    let stranger = Cosign::new(bench.scenario, "cosign", "").other_key()?;
    let unknown = bench.list(&["--key", &stranger])?;
    ensure!(
        unknown.iter().all(|entry| entry["signed_by"].as_array().is_some_and(Vec::is_empty)),
        "{unknown:?}"
    );
    Ok(())
}

fn gets(bench: &Bench) -> Result<()> {
    let listed = bench.list(&["--predicate-type", PREDICATE_TYPES[0]])?;
    let digest = image::text(&listed[0], "digest")?;
    let file = bench.scenario.path("statement.json").display().to_string();
    bench.attestation("get", &[digest, "--output", &file, "--key", &bench.published.key]).succeeds()?;
    let statement = image::json(&fs::read_to_string(&file)?)?;
    ensure!(statement["predicateType"] == PREDICATE_TYPES[0], "{statement}");
    let stranger = Cosign::new(bench.scenario, "cosign", "").other_key()?;
    let refused = bench.attestation("get", &[digest, "--key", &stranger]).fails()?;
    ensure!(refused.stderr.contains("signed by none of the given keys"), "{}", refused.stderr);
    ensure!(refused.stdout.is_empty(), "{}", refused.stdout);
    let allowed = bench.attestation("get", &[digest, "--key", &stranger, "--allow-unsigned"]).succeeds()?;
    ensure!(image::json(&allowed)? == statement, "{allowed}");
    Ok(())
}

/// Python comes from the base, and is on the list of every platform.
fn shows_packages(bench: &Bench) -> Result<()> {
    for platform in ["linux/amd64", "linux/arm64"] {
        let table = bench.attestation("sbom", &["--platform", platform]).succeeds()?;
        let row = table.lines().find(|line| line.starts_with("python3.13-minimal "));
        ensure!(row.is_some_and(|row| row.contains("  deb  ")), "{table}");
    }
    let stranger = Cosign::new(bench.scenario, "cosign", "").other_key()?;
    let refused = bench.attestation("sbom", &["--key", &stranger]).fails()?;
    ensure!(refused.stderr.contains("signed by none of the given keys"), "{}", refused.stderr);
    ensure!(refused.stderr.contains("--allow-unsigned"), "{}", refused.stderr);
    bench.attestation("sbom", &["--key", &stranger, "--allow-unsigned"]).succeeds().map(drop)
}

/// The script as it is written, with either cosign in the place of the word.
fn howto_works(bench: &Bench) -> Result<()> {
    let folder = bench.scenario.path("howto");
    bench.attestation("howto", &["--output", &folder.display().to_string()]).succeeds()?;
    let script = fs::read_to_string(folder.join("verify.sh"))?;
    ensure!(script.matches("cosign verify-attestation").count() == 5, "{script}");
    ensure!(script.contains("--policy provenance.cue"), "{script}");
    for program in COSIGNS {
        Cosign::new(bench.scenario, program, "").script(&folder, "verify.sh")?.succeeds()?;
    }
    let policy = fs::read_to_string(folder.join("provenance.cue"))?;
    let other = policy.replace("buildType: \"", "buildType: \"https://other.example/");
    ensure!(other != policy, "{policy}");
    fs::write(folder.join("provenance.cue"), other)?;
    for program in COSIGNS {
        Cosign::new(bench.scenario, program, "").script(&folder, "verify.sh")?.fails()?;
    }
    Ok(())
}
