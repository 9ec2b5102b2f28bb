//! Which platforms the result has: those of the base and of every artifact.

use std::collections::BTreeSet;

use temper_oci::Platform;

use crate::finding::{Finding, Findings};
use crate::plan::{LostPlatform, PlatformPlan};

/// Chooses the platforms of the result, in the base's order.
///
/// `wanted` is the document's list; without one, every platform of the base that each artifact has too is chosen, and
/// the others are lost, with a warning. A wanted platform that cannot be had is a problem.
pub(crate) fn choose(
    wanted: Option<&[Platform]>,
    base: &[Platform],
    artifacts: &[(String, Vec<Platform>)],
    findings: &mut Findings,
) -> (Vec<Platform>, Vec<LostPlatform>) {
    let reason = |platform: &Platform| {
        if !base.contains(platform) {
            return Some("the base image does not have it".to_owned());
        }
        let without = artifacts.iter().find(|(_, platforms)| !platforms.contains(platform));
        without.map(|(artifact, _)| format!("artifact `{artifact}` does not have it"))
    };
    for (index, platform) in wanted.unwrap_or_default().iter().enumerate() {
        if let Some(reason) = reason(platform) {
            let possible: Vec<String> = base
                .iter()
                .filter(|base| self::is_possible(base, artifacts))
                .map(|p| format!("`{p}`"))
                .collect();
            findings.problem(
                Finding::at(
                    format!("platforms[{index}]"),
                    format!("platform `{platform}` is not possible: {reason}"),
                )
                .hint(format!("possible: {}", possible.join(", "))),
            );
        }
    }
    let mut chosen = Vec::new();
    let mut lost = Vec::new();
    for platform in base {
        let unwanted = wanted.is_some_and(|wanted| !wanted.contains(platform));
        match reason(platform) {
            Some(reason) => lost.push(LostPlatform { platform: platform.clone(), reason }),
            None if unwanted => lost.push(LostPlatform {
                platform: platform.clone(),
                reason: "the document does not list it".to_owned(),
            }),
            None => chosen.push(platform.clone()),
        }
    }
    if chosen.is_empty() && findings.problems.is_empty() {
        findings.problem(
            Finding::at("platforms", "base and artifacts have no platform in common")
                .hint("each artifact must be built for a platform of the base"),
        );
    }
    if wanted.is_none() && !chosen.is_empty() {
        for lost in &lost {
            findings.warning(
                Finding::at(
                    "platforms",
                    format!("platform `{}` of the base is left out: {}", lost.platform, lost.reason),
                )
                .hint("build the artifact for it too, or list the `platforms` that are wanted"),
            );
        }
    }
    (chosen, lost)
}

/// Adds to each problem that other platforms do not have how to do without the platforms that have it.
pub(crate) fn hint_at_others(platforms: &mut [PlatformPlan]) {
    let names: Vec<(Platform, BTreeSet<String>)> = platforms
        .iter()
        .map(|plan| {
            let paths = plan.findings.problems.iter().map(|finding| finding.path.clone());
            (plan.platform.clone(), paths.collect())
        })
        .collect();
    for finding in platforms.iter_mut().flat_map(|plan| &mut plan.findings.problems) {
        let others = names.iter().filter(|(_, paths)| !paths.contains(&finding.path));
        let others: Vec<String> = others.map(|(platform, _)| platform.to_string()).collect();
        if !others.is_empty() && finding.path.starts_with("contents.packages[") {
            let without = format!("to do without this platform: `platforms: [{}]`", others.join(", "));
            finding.hint = Some(match finding.hint.take() {
                Some(hint) => format!("{hint}; {without}"),
                None => without,
            });
        }
    }
}

fn is_possible(platform: &Platform, artifacts: &[(String, Vec<Platform>)]) -> bool {
    artifacts.iter().all(|(_, platforms)| platforms.contains(platform))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Platform> {
        text.split_whitespace().map(Platform::linux).collect()
    }

    /// Returns `chosen | lost | problem paths`, with `!` behind what is lost with a warning.
    fn check(wanted: Option<&str>, base: &str, artifacts: &[&str]) -> String {
        let mut findings = Findings::default();
        let wanted = wanted.map(list);
        let artifacts: Vec<_> = artifacts.iter().map(|text| ("acme/a:v1".to_owned(), list(text))).collect();
        let (chosen, lost) = choose(wanted.as_deref(), &list(base), &artifacts, &mut findings);
        let names =
            |list: Vec<&Platform>| list.iter().map(|p| p.architecture.clone()).collect::<Vec<_>>().join(" ");
        let problems: Vec<_> = findings.problems.iter().map(|finding| finding.path.as_str()).collect();
        let mut lost = names(lost.iter().map(|lost| &lost.platform).collect());
        lost.push_str(&"!".repeat(findings.warnings.len()));
        format!("{} | {lost} | {}", names(chosen.iter().collect()), problems.join(" "))
    }

    #[test]
    fn the_choice_is_the_intersection() {
        assert_eq!(check(None, "amd64 arm64", &[]), "amd64 arm64 |  | ");
        assert_eq!(check(None, "amd64 arm64", &["amd64"]), "amd64 | arm64! | ");
        assert_eq!(check(Some("arm64"), "amd64 arm64", &["amd64 arm64"]), "arm64 | amd64 | ");
    }

    #[test]
    fn a_wanted_platform_that_cannot_be_had_is_a_problem() {
        assert_eq!(check(Some("amd64 s390x"), "amd64 arm64", &[]), "amd64 | arm64 | platforms[1]");
        assert_eq!(check(Some("amd64 arm64"), "amd64 arm64", &["amd64"]), "amd64 | arm64 | platforms[1]");
        assert_eq!(check(None, "amd64", &["arm64"]), " | amd64 | platforms");
    }
}
