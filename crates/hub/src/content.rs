//! What an image is made of, as far as it is compared with the build before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temper_attest::predicate;
use temper_compose::{BuiltImage, Plan, Statements};
use temper_oci::Digest;

/// What an image is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Digest of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Digest>,
    /// Digests of the artifacts, by reference.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, Digest>,
    /// What is in it, by platform.
    pub platforms: BTreeMap<String, PlatformContent>,
}

/// What is in the image of one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformContent {
    /// Versions of all packages, those of the base too, by name.
    pub packages: BTreeMap<String, String>,
    /// Settings of the config, by name: `env.PATH`, `entrypoint`, `user`.
    pub config: BTreeMap<String, String>,
    /// Files that artifacts and the document bring, by path, with who brings them.
    pub files: BTreeMap<String, String>,
    /// Size of all layers as they are transferred, in bytes.
    pub size_bytes: u64,
}

/// What differs between two images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Base and artifacts that are others, by reference.
    pub inputs: Vec<Difference>,
    /// What differs, by platform; platforms without a difference are left out.
    pub platforms: BTreeMap<String, PlatformChanges>,
}

/// What differs between two images of one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformChanges {
    /// Packages that were added, removed, or have another version.
    pub packages: Vec<Difference>,
    /// Settings of the config.
    pub config: Vec<Difference>,
    /// Files that artifacts and the document bring.
    pub files: Vec<Difference>,
    /// Bytes that the image has more, or less.
    pub size_bytes: i64,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is called.
    pub name: String,
    /// What it was; absent where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it is; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

impl Content {
    /// Tells what an image is made of that was built from a plan.
    pub(crate) fn of(plan: &Plan, image: &BuiltImage, statements: &Statements) -> Self {
        let artifacts = plan.artifacts.iter().map(|artifact| (artifact.reference.clone(), artifact.digest));
        let mut platforms = BTreeMap::new();
        for ((plan, manifest), (_, stated)) in
            plan.platforms.iter().zip(&image.manifests).zip(&statements.platforms)
        {
            let sbom = stated.iter().find(|statement| statement.predicate_type == predicate::SPDX);
            let content = PlatformContent {
                packages: sbom.map(|statement| packages(&statement.predicate)).unwrap_or_default(),
                config: config(plan),
                files: plan.files.iter().map(|file| (file.path.clone(), file.origin.clone())).collect(),
                size_bytes: manifest.layers.iter().map(|layer| layer.size).sum(),
            };
            platforms.insert(plan.platform.to_string(), content);
        }
        Self { base: plan.base.as_ref().map(|base| base.digest), artifacts: artifacts.collect(), platforms }
    }

    /// Compares with the image before.
    pub fn changes_since(&self, before: &Self) -> Changes {
        let inputs = |content: &Self| {
            let artifacts =
                content.artifacts.iter().map(|(reference, digest)| (reference.clone(), digest.to_string()));
            let base = content.base.map(|digest| ("base".to_owned(), digest.to_string()));
            artifacts.chain(base).collect::<BTreeMap<String, String>>()
        };
        let nothing = PlatformContent::default();
        let names = before.platforms.keys().chain(self.platforms.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        let platforms = names.into_iter().map(|name| {
            let old = before.platforms.get(name).unwrap_or(&nothing);
            let new = self.platforms.get(name).unwrap_or(&nothing);
            (name.clone(), new.changes_since(old))
        });
        Changes {
            inputs: differences(&inputs(before), &inputs(self)),
            platforms: platforms.filter(|(_, changes)| *changes != PlatformChanges::default()).collect(),
        }
    }
}

impl PlatformContent {
    fn changes_since(&self, before: &Self) -> PlatformChanges {
        PlatformChanges {
            packages: differences(&before.packages, &self.packages),
            config: differences(&before.config, &self.config),
            files: differences(&before.files, &self.files),
            size_bytes: self.size_bytes.cast_signed() - before.size_bytes.cast_signed(),
        }
    }
}

/// Compares two maps; what differs comes in the order of the names.
fn differences(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let all = names.into_iter().map(|name| Difference {
        name: name.clone(),
        old: old.get(name).cloned(),
        new: new.get(name).cloned(),
    });
    all.filter(|difference| difference.old != difference.new).collect()
}

/// Reads the Debian packages of an SBOM, with their versions.
fn packages(spdx: &serde_json::Value) -> BTreeMap<String, String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = spdx["packages"].as_array().into_iter().flatten();
    let packages = all.filter(|package| package["primaryPackagePurpose"] == "LIBRARY");
    packages.map(|package| (text(&package["name"]), text(&package["versionInfo"]))).collect()
}

fn config(plan: &temper_compose::PlatformPlan) -> BTreeMap<String, String> {
    let words = |words: &[String]| serde_json::to_string(words).unwrap_or_default();
    let variables =
        plan.environment.iter().map(|variable| (format!("env.{}", variable.name), variable.value.clone()));
    let settings = [
        ("entrypoint", words(&plan.entrypoint.value)),
        ("cmd", words(&plan.cmd.value)),
        ("user", plan.user.value.clone()),
        ("work-dir", plan.work_dir.value.clone()),
    ];
    variables.chain(settings.map(|(name, value)| (name.to_owned(), value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(packages: &[(&str, &str)], size_bytes: u64) -> Content {
        let packages = packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned()));
        let platform =
            PlatformContent { packages: packages.collect(), size_bytes, ..PlatformContent::default() };
        Content { platforms: [("linux/amd64".to_owned(), platform)].into(), ..Content::default() }
    }

    #[test]
    fn packages_that_differ_are_told() {
        let before = content(&[("a", "1"), ("b", "1"), ("c", "1")], 100);
        let after = content(&[("a", "2"), ("b", "1"), ("d", "1")], 70);
        let changes = after.changes_since(&before);
        let platform = &changes.platforms["linux/amd64"];
        let told: Vec<_> = platform
            .packages
            .iter()
            .map(|one| (one.name.as_str(), one.old.as_deref(), one.new.as_deref()))
            .collect();
        assert_eq!(told, [("a", Some("1"), Some("2")), ("c", Some("1"), None), ("d", None, Some("1"))]);
        assert_eq!(platform.size_bytes, -30);
        assert_eq!(after.changes_since(&after), Changes::default());
    }
}
