//! Asks `temper plan` for a set, and reads its JSON.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::apt::{Action, Answer, Choice};
use crate::temper::Temper;

/// Plans sets over one base.
pub(crate) struct Planner<'a> {
    temper: &'a Temper,
    base: String,
    directory: PathBuf,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(temper: &'a Temper, base: &Path, directory: PathBuf) -> Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { temper, base: format!("oci:{}", base.display()), directory })
    }

    /// Plans a customization for one platform whose only content is the set.
    pub(crate) fn plan(&self, set: &[String], architecture: &str) -> Result<Answer> {
        let file = self.directory.join("customization.yaml");
        fs::write(&file, document(set, architecture))?;
        let captured = self
            .temper
            .command()
            .env("HOME", &self.directory)
            .arg("plan")
            .arg(&file)
            .args(["--base", &self.base, "--json"])
            .capture()?;
        if captured.succeeded() {
            parse(&captured.stdout).map(Answer::Choices)
        } else {
            Ok(Answer::Refused(captured.stderr.trim().to_owned()))
        }
    }
}

fn document(set: &[String], architecture: &str) -> String {
    let packages: Vec<String> = set.iter().map(|package| format!("{package:?}")).collect();
    format!(
        "name: oracle\ntargets:\n  - destination: acme/dhi-python\n    tag_definition_id: python/debian-13/3.13\n\
         contents:\n  packages: [{}]\nplatforms: [linux/{architecture}]\n",
        packages.join(", ")
    )
}

/// The choices of the one platform, sorted.
fn parse(text: &str) -> Result<Vec<Choice>> {
    let plan: Value = serde_json::from_str(text).context("the plan is no JSON")?;
    let [platform] = plan["platforms"].as_array().context("a plan without `platforms`")?.as_slice() else {
        bail!("the plan has not exactly one platform");
    };
    let packages = platform["packages"].as_array().context("a platform without `packages`")?;
    let mut choices = packages.iter().map(choice).collect::<Result<Vec<_>>>()?;
    choices.sort();
    Ok(choices)
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
        let choices: Vec<String> = parse(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(choices, ["-bash", "jq=1.7 [arm64]"]);
    }
}
