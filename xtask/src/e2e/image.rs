//! Images as the suites pass them around: what the program reports about one, and copies of it in layouts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::scenario::Scenario;

/// The one JSON value that the program printed.
pub(crate) fn json(output: &str) -> Result<Value> {
    serde_json::from_str(output).with_context(|| format!("`{output}` is no single JSON value"))
}

/// A text field of an object.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> Result<&'a str> {
    object[field].as_str().with_context(|| format!("no text `{field}` in {object}"))
}

/// `oci:DIR`, as temper and skopeo write a layout.
pub(crate) fn layout(directory: &Path) -> String {
    format!("oci:{}", directory.display())
}

/// Recomputes every digest of a layout's image with `temper validate`.
pub(crate) fn validate(scenario: &Scenario, layout: &str, digest: &str) -> Result<()> {
    let output = json(&scenario.temper().args(["validate", "--json", layout]).succeeds()?)?;
    ensure!(output["violations"] == Value::Array(Vec::new()), "{layout}: {output}");
    ensure!(output["digest"] == digest, "{layout} holds {}, expected {digest}", output["digest"]);
    Ok(())
}

/// Copies an image of a registry, all platforms unchanged, into a layout of the suite, and validates it.
pub(crate) fn pull(scenario: &Scenario, reference: &str, name: &str, digest: &str) -> Result<PathBuf> {
    let directory = scenario.path(name);
    let to = format!("{}:image", layout(&directory));
    let from = format!("docker://{reference}");
    let options = ["copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false"];
    scenario.tool("skopeo")?.args(options).args([&from, &to]).succeeds()?;
    validate(scenario, &to, digest)?;
    Ok(directory)
}

/// Copies an image of a layout, all platforms unchanged, to a registry.
pub(crate) fn push(scenario: &Scenario, layout: &str, reference: &str) -> Result<()> {
    let to = format!("docker://{reference}");
    let options = ["copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false"];
    scenario.tool("skopeo")?.args(options).args([layout, &to]).succeeds().map(drop)
}

/// Copies one platform's variant from `source`, as skopeo writes it, to `destination`.
pub(crate) fn copy_variant(
    scenario: &Scenario,
    architecture: &str,
    source: &str,
    destination: &str,
) -> Result<()> {
    let choose = format!("--override-arch={architecture}");
    let options = ["copy", "--quiet", "--src-tls-verify=false"];
    scenario.tool("skopeo")?.args([&choose]).args(options).args([source, destination]).succeeds().map(drop)
}

/// The digest and the architectures of an index in a registry.
pub(crate) fn inspect(scenario: &Scenario, reference: &str) -> Result<(String, Vec<String>)> {
    let remote = format!("docker://{reference}");
    let skopeo = || Ok::<_, anyhow::Error>(scenario.tool("skopeo")?.args(["inspect", "--tls-verify=false"]));
    let index = json(&skopeo()?.args(["--raw", &remote]).succeeds()?)?;
    let manifests = index["manifests"].as_array().with_context(|| format!("{reference} is no index"))?;
    let architectures =
        manifests.iter().map(|manifest| text(&manifest["platform"], "architecture").map(str::to_owned));
    let architectures = architectures.collect::<Result<_>>()?;
    let digest = skopeo()?.args(["--format={{.Digest}}", &remote]).succeeds()?;
    Ok((digest.trim().to_owned(), architectures))
}

/// The digest of a platform's manifest in an index of a registry.
pub(crate) fn platform_digest(scenario: &Scenario, reference: &str, architecture: &str) -> Result<String> {
    let options = ["inspect", "--raw", "--tls-verify=false"];
    let index =
        json(&scenario.tool("skopeo")?.args(options).args([format!("docker://{reference}")]).succeeds()?)?;
    let manifests = index["manifests"].as_array().with_context(|| format!("{reference} is no index"))?;
    let found = manifests.iter().find(|manifest| manifest["platform"]["architecture"] == architecture);
    let found = found.with_context(|| format!("{reference} has no {architecture}"))?;
    text(found, "digest").map(str::to_owned)
}
