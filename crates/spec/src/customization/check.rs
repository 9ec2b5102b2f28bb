//! The rules of a customization that need nothing but the document itself.
//!
//! Checks of single fields are in the modules below; here is what concerns several fields at once.

mod account;
mod name;
mod path;
mod setting;

use std::collections::BTreeSet;

use crate::read::{At, Report};

use super::suffix::lost_letters;
use super::{Certificate, Customization, TAG_LENGTH_MAX, TagLine, Target, derive_suffix};

pub(crate) use account::{account_name, account_names, accounts, groups, id, users};
pub(crate) use name::{definition_id, name, namespace, reference, repository, suffix, tag, tag_suffix, tags};
pub(crate) use path::{absolute, artifact_path, artifact_paths, file_path, files, forbidden_in_path};
pub(crate) use setting::{artifact, environment, metadata, packages, platforms, stop_signal};

pub(crate) fn target(value: &Target, at: &At<'_>, report: &mut Report) {
    let tags = value.tag.is_some() || !value.tags.is_empty();
    match (&value.tag_definition_id, tags) {
        (Some(_), true) => {
            let key = if value.tag.is_some() { "tag" } else { "tags" };
            report.problem_with_hint(
                &at.key(key),
                "stands beside `tag_definition_id`, which names the tags already",
                "keep one of them",
            );
        }
        (None, false) => report.problem_with_hint(
            at,
            "names no tags",
            "add `tag_definition_id`, or `tag` for a repository without definitions",
        ),
        _ => {}
    }
}

pub(crate) fn targets(targets: &[Target], at: &At<'_>, report: &mut Report) {
    if targets.is_empty() {
        report.problem(at, "is empty, at least one target is needed");
    }
    let mut seen = BTreeSet::new();
    for (index, target) in targets.iter().enumerate() {
        if !seen.insert((target.destination.as_str(), target.line())) {
            report.problem(&at.index(index), "is there twice");
        }
    }
}

/// Checks what concerns several fields at once, where these fields are free of problems of their own.
pub(super) fn customization(value: &Customization, report: &mut Report) {
    if report.is_clean(&["name", "suffix", "tag_suffix"]) {
        suffix_remains(value, report);
    }
    if report.is_clean(&["targets", "name", "suffix", "tag_suffix"]) {
        tags_fit(value, report);
    }
    if report.is_clean(&["targets", "destination", "tag_definition_id"]) {
        several_targets(value, report);
        charts_stand_alone(value, report);
        artifacts_share_namespace(value, report);
    }
}

fn suffix_remains(value: &Customization, report: &mut Report) {
    let lost = if value.suffix.is_none() { lost_letters(&value.name) } else { Vec::new() };
    if value.suffix.is_none() && derive_suffix(&value.name).is_empty() {
        report.problem_with_hint(
            &At::ROOT.key("name"),
            format!("name `{}` gives no suffix, it has none of `[a-z0-9]`", value.name),
            "add `suffix`, for example `suffix: custom`",
        );
    } else if !lost.is_empty() {
        let letters: Vec<String> = lost.iter().map(|letter| format!("`{letter}`")).collect();
        report.problem_with_hint(
            &At::ROOT.key("name"),
            format!("name `{}` gives no suffix, as tags cannot have {}", value.name, letters.join(", ")),
            "add `suffix`, for example `suffix: custom`",
        );
    } else {
        let key = if value.suffix.is_some() { "suffix" } else { "name" };
        suffix(&value.suffix(), &At::ROOT.key(key), report);
    }
}

fn tags_fit(value: &Customization, report: &mut Report) {
    for (index, target) in value.targets.iter().enumerate() {
        let TagLine::Tags(tags) = target.line() else { continue };
        for tag in tags {
            let result = value.tag_for(tag);
            if result.len() > TAG_LENGTH_MAX {
                let message = format!(
                    "tag `{result}` would have {} characters, more than {TAG_LENGTH_MAX}",
                    result.len()
                );
                report.problem_with_hint(
                    &At::ROOT.key("targets").index(index),
                    message,
                    "choose a shorter `suffix`",
                );
            }
        }
    }
}

fn several_targets(value: &Customization, report: &mut Report) {
    if value.targets.len() < 2 {
        return;
    }
    for (key, given) in [
        ("accounts", value.accounts.is_some()),
        ("entrypoint", value.entrypoint.is_some()),
        ("cmd", value.cmd.is_some()),
    ] {
        if given {
            report.problem_with_hint(
                &At::ROOT.key(key),
                format!("cannot be set for {} targets at once", value.targets.len()),
                "write one customization per target",
            );
        }
    }
    let charts = value.targets.iter().filter(|target| target.is_chart()).count();
    if charts > 0 && charts < value.targets.len() {
        report.problem(&At::ROOT.key("targets"), "mixes charts and images, which are customized apart");
    }
}

fn charts_stand_alone(value: &Customization, report: &mut Report) {
    if !value.is_chart() {
        return;
    }
    if value.reference_mappings.is_empty() {
        if value.targets.iter().all(Target::is_chart) && report.is_clean(&["reference_mappings"]) {
            report.problem_with_hint(
                &At::ROOT.key("reference_mappings"),
                "is missing, and it is all that can be customized in a chart",
                "add entries with `from` and `to`",
            );
        }
    } else if let Some(index) =
        value.targets.iter().position(|target| target.tag_definition_id.is_some() && !target.is_chart())
    {
        report.problem(&At::ROOT.key("targets").index(index), "is an image, and only charts have references");
    }
    for (key, given) in [
        ("contents", !value.contents.is_empty()),
        ("paths", !value.paths.is_empty()),
        ("accounts", value.accounts.is_some()),
        ("environment", !value.environment.is_empty()),
        ("labels", !value.labels.is_empty()),
        ("annotations", !value.annotations.is_empty()),
        ("entrypoint", value.entrypoint.is_some()),
        ("cmd", value.cmd.is_some()),
        ("work-dir", value.work_dir.is_some()),
        ("stop-signal", value.stop_signal.is_some()),
        ("platforms", value.platforms.is_some()),
        ("compression", value.compression.is_some()),
        ("certificates", !value.certificates.is_empty()),
    ] {
        if given {
            let message = "changes images, and a chart takes `reference_mappings` alone";
            report.problem(&At::ROOT.key(key), message);
        }
    }
}

fn artifacts_share_namespace(value: &Customization, report: &mut Report) {
    let ours: BTreeSet<&str> = value.targets.iter().map(Target::namespace).collect();
    let contents = At::ROOT.key("contents");
    let artifacts = contents.key("artifacts");
    for (index, artifact) in value.contents.artifacts.iter().enumerate() {
        same_namespace(&artifact.name, &ours, &artifacts.index(index).key("name"), report);
    }
    let certificates = At::ROOT.key("certificates");
    for (index, certificate) in value.certificates.iter().enumerate() {
        if let Certificate::Artifact(file) = certificate {
            same_namespace(&file.artifact, &ours, &certificates.index(index).key("artifact"), report);
        }
    }
}

fn same_namespace(reference: &str, ours: &BTreeSet<&str>, at: &At<'_>, report: &mut Report) {
    let theirs = namespace(reference);
    if let Some(ours) = ours.iter().find(|ours| **ours != theirs) {
        report.problem_with_hint(
            at,
            format!("artifact `{reference}` is not in namespace `{ours}` of the destination"),
            format!("push it to a repository of `{ours}`"),
        );
    }
}

fn duplicates<T: Ord + std::fmt::Display>(
    values: impl Iterator<Item = T>,
    what: &str,
    at: &At<'_>,
    report: &mut Report,
) {
    let mut seen = BTreeSet::new();
    for (index, value) in values.enumerate() {
        if seen.contains(&value) {
            report.problem(&at.index(index), format!("{what} `{value}` is there twice"));
        }
        seen.insert(value);
    }
}
