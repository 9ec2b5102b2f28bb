//! Asks `temper plan` for a set, and reads its JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::apt::{Action, Answer, Choice};
use crate::temper::Temper;

/// Plans sets over one base.
pub(crate) struct Planner<'a> {
    temper: &'a Temper,
    base: String,
    directory: PathBuf,
}

/// The answer for every platform.
pub(crate) enum Plan {
    Chosen(BTreeMap<String, Vec<Choice>>),
    Refused(String),
}

impl Plan {
    /// The answer for one platform, in the form of apt's.
    pub(crate) fn of(&self, architecture: &str) -> Answer {
        match self {
            Self::Chosen(platforms) => {
                Answer::Choices(platforms.get(architecture).cloned().unwrap_or_default())
            }
            Self::Refused(words) => Answer::Refused(words.clone()),
        }
    }
}

impl<'a> Planner<'a> {
    pub(crate) fn new(temper: &'a Temper, base: &Path, directory: PathBuf) -> Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { temper, base: format!("oci:{}", base.display()), directory })
    }

    /// Plans a customization whose only content is the set.
    pub(crate) fn plan(&self, set: &[String], architectures: &[&str]) -> Result<Plan> {
        let file = self.directory.join("customization.yaml");
        fs::write(&file, document(set, architectures))?;
        let captured = self
            .temper
            .command()
            .env("HOME", &self.directory)
            .arg("plan")
            .arg(&file)
            .args(["--base", &self.base, "--json"])
            .capture()?;
        if captured.succeeded() {
            parse(&captured.stdout).map(Plan::Chosen)
        } else {
            Ok(Plan::Refused(captured.stderr.trim().to_owned()))
        }
    }
}

fn document(set: &[String], architectures: &[&str]) -> String {
    let packages: Vec<String> = set.iter().map(|package| format!("{package:?}")).collect();
    let platforms: Vec<String> =
        architectures.iter().map(|architecture| format!("linux/{architecture}")).collect();
    format!(
        "name: oracle\ntargets:\n  - destination: acme/dhi-python\n    tag_definition_id: python/debian-13/3.13\n\
         contents:\n  packages: [{}]\nplatforms: [{}]\n",
        packages.join(", "),
        platforms.join(", ")
    )
}

/// The choices by architecture, each list sorted.
fn parse(text: &str) -> Result<BTreeMap<String, Vec<Choice>>> {
    let plan: Value = serde_json::from_str(text).context("the plan is no JSON")?;
    let mut platforms = BTreeMap::new();
    for platform in plan["platforms"].as_array().context("a plan without `platforms`")? {
        let name = platform["platform"].as_str().context("a platform without `platform`")?;
        let packages = platform["packages"].as_array().context("a platform without `packages`")?;
        let mut choices = packages.iter().map(choice).collect::<Result<Vec<_>>>()?;
        choices.sort();
        let architecture = name.split('/').nth(1).context("a platform without architecture")?;
        platforms.insert(architecture.to_owned(), choices);
    }
    Ok(platforms)
}

fn choice(package: &Value) -> Result<Choice> {
    let text = |key: &str| package[key].as_str().with_context(|| format!("a package without `{key}`"));
    let action = Action::parse(text("action")?)?;
    let kept = |value: &str| if action == Action::Remove { String::new() } else { value.to_owned() };
    Ok(Choice {
        name: text("name")?.to_owned(),
        version: kept(text("version")?),
        architecture: kept(text("architecture")?),
        action,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read() {
        let text = r#"{"platforms": [{"platform": "linux/arm64", "packages": [
            {"name": "jq", "version": "1.7", "architecture": "arm64", "action": "install", "reason": "asked for"},
            {"name": "bash", "version": "5", "architecture": "arm64", "action": "remove", "reason": "asked for"}
        ]}]}"#;
        let choices: Vec<String> = parse(text).unwrap()["arm64"].iter().map(ToString::to_string).collect();
        assert_eq!(choices, ["-bash", "jq=1.7 [arm64]"]);
    }
}
