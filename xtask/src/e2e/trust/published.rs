//! A signed image in a registry: its names, its digests, and the key that signed it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::example::{AUTHORITY, Example, REPOSITORY};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

/// The artifact type of everything that cosign 3 reads.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A signed image.
pub(super) struct Published {
    /// Registry and repository.
    pub(super) repository: String,
    tag: String,
    pub(super) index: String,
    /// The manifests of the platforms.
    pub(super) platforms: Vec<String>,
    /// The file with the public key.
    pub(super) key: String,
}

impl Published {
    /// The image that the quickstart has left in a registry.
    pub(super) fn of(scenario: &Scenario, registry: &str, data: &Path) -> Result<Self> {
        Self::read(scenario, format!("{registry}/{REPOSITORY}"), "3.13_custom", data)
    }

    /// Puts base and artifact into a registry, and customizes there.
    pub(super) fn build(scenario: &Scenario, example: &Example, registry: &str) -> Result<Self> {
        let repository = format!("{registry}/{REPOSITORY}");
        image::push(scenario, &example.base, &format!("{repository}:3.13"))?;
        image::push(scenario, &example.authority, &format!("{registry}/{AUTHORITY}"))?;
        Self::build_again(scenario, example, registry, &[])
    }

    /// Customizes what [`Self::build`] has put there, with further options.
    pub(super) fn build_again(
        scenario: &Scenario,
        example: &Example,
        registry: &str,
        options: &[&str],
    ) -> Result<Self> {
        let repository = format!("{registry}/{REPOSITORY}");
        let base = format!("{repository}:3.13");
        let document = scenario.repository_path("examples/quickstart.yaml");
        let build = scenario.temper().args(["build".as_ref(), document.as_os_str()]);
        let build = build.args(["--json", "--server", registry, "--base", &base, "--output", &repository]);
        let build = build.args(["--data-dir".as_ref(), example.data.as_os_str()]).args(options);
        let built = image::json(&build.succeeds()?)?;
        let published = Self::read(scenario, repository, "3.13_custom", &example.data)?;
        ensure!(image::text(&built, "digest")? == published.index, "{built}");
        Ok(published)
    }

    fn read(scenario: &Scenario, repository: String, tag: &str, data: &Path) -> Result<Self> {
        let raw = scenario.tool("crane")?.args(["manifest", &format!("{repository}:{tag}")]).succeeds()?;
        let index = scenario.tool("crane")?.args(["digest", &format!("{repository}:{tag}")]).succeeds()?;
        let manifests = image::json(&raw)?;
        let manifests = manifests["manifests"].as_array().context("no index")?.clone();
        let platforms = manifests.iter().map(|entry| image::text(entry, "digest").map(str::to_owned));
        let platforms = platforms.collect::<Result<Vec<_>>>()?;
        ensure!(platforms.len() == 2, "{raw}");
        let shown = scenario.temper().args(["key", "show", "--data-dir"]).args([data]).succeeds()?;
        let key = scenario.path("temper.pub");
        fs::write(&key, shown)?;
        let key = key.display().to_string();
        Ok(Self { repository, tag: tag.to_owned(), index: index.trim().to_owned(), platforms, key })
    }

    pub(super) fn by_tag(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    pub(super) fn by_digest(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository)
    }

    /// By tag, by the index's digest, by the digest of each platform.
    pub(super) fn names(&self) -> Vec<String> {
        let digests = std::iter::once(&self.index).chain(&self.platforms);
        std::iter::once(self.by_tag()).chain(digests.map(|digest| self.by_digest(digest))).collect()
    }

    /// The predicate types of the bundles that oras finds.
    pub(super) fn discover(&self, scenario: &Scenario) -> Result<Vec<String>> {
        let discover = scenario.tool("oras")?.args(["discover", "--plain-http", "--format=json"]);
        let found = image::json(&discover.args(["--artifact-type", BUNDLE, &self.by_tag()]).succeeds()?)?;
        let list = found.get("referrers").or_else(|| found.get("manifests")).and_then(Value::as_array);
        let list = list.with_context(|| format!("no referrers in {found}"))?;
        let kind = |entry: &Value| {
            let kind = entry["annotations"]["dev.sigstore.bundle.predicateType"].as_str();
            kind.map(str::to_owned).with_context(|| format!("no predicate type in {entry}"))
        };
        list.iter().map(kind).collect()
    }
}
