//! One flipped bit in a registry's storage, and the command that must see it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::trust::cosign::{COSIGNS, Cosign, TYPES};
use crate::e2e::trust::published::Published;

/// Which blobs and manifests get a flipped bit.
type Find = fn(&Scenario, &Published) -> Result<Vec<String>>;
/// What must fail while a bit is flipped.
type Refusal = fn(&Scenario, &Published) -> Result<()>;

/// Flips a bit of each part of an image in the storage of Debian's docker-registry, and back.
pub(super) fn check(scenario: &Scenario, published: &Published, storage: &Path) {
    let layer: Find = |scenario, published| part(scenario, published, |manifest| &manifest["layers"][0]);
    let config: Find = |scenario, published| part(scenario, published, |manifest| &manifest["config"]);
    let rows: &[(&str, Find, Refusal)] = &[
        ("a_layer", layer, pull_fails),
        ("a_config", config, pull_fails),
        // Who names a manifest by its digest gets no other: cosign does not even ask for it.
        ("a_manifest", |_, published| Ok(vec![published.platforms[0].clone()]), pull_fails),
        ("an_index", |_, published| Ok(vec![published.index.clone()]), verify_fails),
        ("every_signature", signatures, verify_fails),
        ("every_attestation", attestations, attestations_fail),
    ];
    for (name, find, refusal) in rows {
        scenario.check(&format!("a_flipped_bit_in_{name}_is_refused"), || {
            let digests = find(scenario, published)?;
            let flipped = digests.iter().map(|digest| flip(storage, digest));
            let flipped = flipped.collect::<Result<Vec<_>>>()?;
            ensure!(!flipped.is_empty(), "there is nothing to flip");
            refusal(scenario, published)
        });
    }
    scenario.check("and_everything_verifies_after_they_are_flipped_back", || {
        for program in COSIGNS {
            Cosign::new(scenario, program, &published.key).verify(&published.by_tag())?;
        }
        Ok(())
    });
}

/// Both pull every byte and compare.
fn pull_fails(scenario: &Scenario, published: &Published) -> Result<()> {
    let name = published.by_digest(&published.platforms[0]);
    scenario.tool("crane")?.args(["validate", "--remote", &name]).fails()?;
    let folder = format!("oci:{}:image", scenario.path("tampered").display());
    let copy = scenario.tool("skopeo")?.args(["copy", "--quiet", "--src-tls-verify=false"]);
    copy.args([format!("docker://{name}"), folder]).fails().map(drop)
}

fn verify_fails(scenario: &Scenario, published: &Published) -> Result<()> {
    let cosign = |program| Cosign::new(scenario, program, &published.key);
    COSIGNS.iter().try_for_each(|program| cosign(program).refuses(&published.by_tag()))
}

fn attestations_fail(scenario: &Scenario, published: &Published) -> Result<()> {
    for program in COSIGNS {
        let cosign = Cosign::new(scenario, program, &published.key);
        for kind in TYPES {
            cosign.refuses_attestation(&published.by_tag(), kind)?;
        }
    }
    Ok(())
}

/// The digest of a part of the first platform's manifest.
fn part(scenario: &Scenario, published: &Published, part: fn(&Value) -> &Value) -> Result<Vec<String>> {
    let manifest = manifest(scenario, &published.by_digest(&published.platforms[0]))?;
    Ok(vec![image::text(part(&manifest), "digest")?.to_owned()])
}

/// The payloads behind the tag of signatures, and all bundles: cosign 3 takes each of them for a signature.
fn signatures(scenario: &Scenario, published: &Published) -> Result<Vec<String>> {
    let mut digests = behind_tag(scenario, published, "sig")?;
    digests.extend(bundles(scenario, published)?);
    Ok(digests)
}

fn attestations(scenario: &Scenario, published: &Published) -> Result<Vec<String>> {
    let mut digests = behind_tag(scenario, published, "att")?;
    digests.extend(bundles(scenario, published)?);
    Ok(digests)
}

/// The layers of a legacy tag of the index.
fn behind_tag(scenario: &Scenario, published: &Published, kind: &str) -> Result<Vec<String>> {
    let tag = format!("{}:{}.{kind}", published.repository, published.index.replace(':', "-"));
    layers(&manifest(scenario, &tag)?)
}

/// The layers of all referrers of the index.
fn bundles(scenario: &Scenario, published: &Published) -> Result<Vec<String>> {
    let tag = format!("{}:{}", published.repository, published.index.replace(':', "-"));
    let list = manifest(scenario, &tag)?;
    let mut digests = Vec::new();
    for entry in list["manifests"].as_array().context("no list of referrers")? {
        let referrer = published.by_digest(image::text(entry, "digest")?);
        digests.extend(layers(&manifest(scenario, &referrer)?)?);
    }
    Ok(digests)
}

fn layers(manifest: &Value) -> Result<Vec<String>> {
    let layers = manifest["layers"].as_array().with_context(|| format!("no layers in {manifest}"))?;
    layers.iter().map(|layer| image::text(layer, "digest").map(str::to_owned)).collect()
}

fn manifest(scenario: &Scenario, name: &str) -> Result<Value> {
    image::json(&scenario.tool("crane")?.args(["manifest", name]).succeeds()?)
}

/// A blob with one bit that is wrong, until it is dropped.
struct Flipped {
    path: PathBuf,
    bytes: Vec<u8>,
}

fn flip(storage: &Path, digest: &str) -> Result<Flipped> {
    let hex = digest.trim_start_matches("sha256:");
    let folder = storage.join("blobs/docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex);
    let path = folder.join("data");
    let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&path, changed)?;
    Ok(Flipped { path, bytes })
}

impl Drop for Flipped {
    fn drop(&mut self) {
        // A blob that stays wrong fails the check that comes last.
        let _ = fs::write(&self.path, &self.bytes);
    }
}
