//! The environment of the result: customization over base over artifacts, with `PATH` extended by artifacts.

use serde::{Deserialize, Serialize};

/// What a container runtime uses where an image sets no `PATH`.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One variable of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Who set it: `customization`, `base`, or an artifact's reference.
    pub origin: String,
}

/// The variables that one artifact's config sets.
#[derive(Clone, Debug)]
pub struct ArtifactEnvironment {
    /// The artifact's reference.
    pub artifact: String,
    /// Name and value, in the config's order.
    pub variables: Vec<(String, String)>,
}

/// Merges the environments of base, artifacts and customization.
///
/// The base's order comes first, then the customization's new names, then those of artifacts.
/// `directory_exists` says whether a path is a directory in the result; only such entries of an artifact's `PATH` are taken.
pub fn merge(
    base: &[(String, String)],
    artifacts: &[ArtifactEnvironment],
    customization: &[(String, String)],
    directory_exists: &dyn Fn(&str) -> bool,
) -> Vec<Variable> {
    let mut merged: Vec<Variable> = Vec::new();
    for (name, value) in base {
        set(&mut merged, name, value, "base");
    }
    for (name, value) in customization {
        set(&mut merged, name, value, "customization");
    }
    // Of several artifacts the later wins, so the later speaks first and the earlier find the name taken.
    for artifact in artifacts.iter().rev() {
        for (name, value) in artifact.variables.iter().filter(|(name, _)| name != "PATH") {
            let taken = merged.iter().any(|variable| variable.name == *name && !variable.value.is_empty());
            let own = customization.iter().any(|(own, _)| own == name);
            if !taken && !own {
                set(&mut merged, name, value, &artifact.artifact);
            }
        }
    }
    for artifact in artifacts {
        extend_path(&mut merged, artifact, directory_exists);
    }
    merged
}

fn set(merged: &mut Vec<Variable>, name: &str, value: &str, origin: &str) {
    let variable = Variable { name: name.to_owned(), value: value.to_owned(), origin: origin.to_owned() };
    match merged.iter_mut().find(|present| present.name == name) {
        Some(present) => *present = variable,
        None => merged.push(variable),
    }
}

fn extend_path(
    merged: &mut Vec<Variable>,
    artifact: &ArtifactEnvironment,
    directory_exists: &dyn Fn(&str) -> bool,
) {
    let Some((_, offered)) = artifact.variables.iter().find(|(name, _)| name == "PATH") else { return };
    let effective = merged.iter().find(|variable| variable.name == "PATH" && !variable.value.is_empty());
    let effective = effective.map_or(DEFAULT_PATH, |variable| variable.value.as_str()).to_owned();
    let mut front: Vec<&str> = Vec::new();
    for entry in offered.split(':').filter(|entry| entry.starts_with('/')) {
        let present = effective.split(':').any(|own| own == entry) || front.contains(&entry);
        if !present && directory_exists(entry) {
            front.push(entry);
        }
    }
    if !front.is_empty() {
        set(merged, "PATH", &format!("{}:{effective}", front.join(":")), &artifact.artifact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        text.split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn check(base: &str, artifacts: &[&str], customization: &str, expected: &str) {
        let artifacts: Vec<ArtifactEnvironment> = artifacts
            .iter()
            .enumerate()
            .map(|(index, text)| ArtifactEnvironment {
                artifact: format!("a{index}"),
                variables: pairs(text),
            })
            .collect();
        let merged = merge(&pairs(base), &artifacts, &pairs(customization), &|path| path.starts_with("/opt"));
        let shown: Vec<String> =
            merged.iter().map(|v| format!("{}={}@{}", v.name, v.value, v.origin)).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn customization_wins_over_base_and_keeps_its_place() {
        check("A=1 B=2", &[], "C=3 A=9", "A=9@customization B=2@base C=3@customization");
    }

    #[test]
    fn an_artifact_fills_only_what_is_missing_or_empty() {
        check("A=1 B=", &["A=x B=y C=z"], "", "A=1@base B=y@a0 C=z@a0");
    }

    #[test]
    fn the_customization_may_set_a_variable_to_nothing() {
        check("A=1", &["A=x"], "A=", "A=@customization");
    }

    #[test]
    fn of_several_artifacts_the_later_wins() {
        check("", &["A=1 B=1", "A=2"], "", "A=2@a1 B=1@a0");
    }

    #[test]
    fn path_entries_that_exist_go_in_front() {
        check("PATH=/bin", &["PATH=/opt/a:/none:/bin:/opt/b"], "", "PATH=/opt/a:/opt/b:/bin@a0");
        check("PATH=/bin", &["PATH=/opt/a"], "PATH=/x", "PATH=/opt/a:/x@a0");
        check("", &["PATH=/opt/a"], "", &format!("PATH=/opt/a:{DEFAULT_PATH}@a0"));
        check("", &["PATH=/none"], "", "");
        check("PATH=/opt/a:/bin", &["PATH=/opt/a"], "", "PATH=/opt/a:/bin@base");
    }
}
