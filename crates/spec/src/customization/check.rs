//! The rules of a customization that need nothing but the document itself.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::Platform;

use crate::read::{At, Report};

use super::{
    Accounts, Artifact, Certificate, Customization, File, Group, PackageRequest, TAG_LENGTH_MAX, TagLine,
    Target, User, derive_suffix,
};

/// Label and annotation keys that describe the hardened base, and that only a build may write.
const RESERVED_METADATA: [&str; 2] = ["com.docker.dhi.", "org.opencontainers.image.base."];

/// The highest id an account can have; the one above means "none" to the kernel.
const ID_MAX: u32 = u32::MAX - 1;

pub(crate) fn name(name: &str, at: &At<'_>, report: &mut Report) {
    const LENGTH_MAX: usize = 255;
    if name.trim().is_empty() {
        report.problem(at, "is empty");
    } else if name.chars().any(char::is_control) {
        report.problem(at, "has a control character or a line break");
    } else if name.chars().count() > LENGTH_MAX {
        report.problem(at, format!("has more than {LENGTH_MAX} characters"));
    }
}

pub(crate) fn suffix(suffix: &str, at: &At<'_>, report: &mut Report) {
    let fits = !suffix.is_empty()
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !fits {
        let message = format!("suffix `{suffix}` has other characters than `[A-Za-z0-9._-]`, or none");
        report.problem_with_hint(at, message, "choose a word such as `custom`");
    } else if suffix.len() > TAG_LENGTH_MAX - 2 {
        let message =
            format!("suffix has {} characters, no tag could be within {TAG_LENGTH_MAX}", suffix.len());
        report.problem(at, message);
    }
}

pub(crate) fn tag_suffix(given: &str, at: &At<'_>, report: &mut Report) {
    if let Some(rest) = given.strip_prefix('_') {
        suffix(rest, at, report);
    } else {
        let message = format!("`{given}` does not begin with `_`, which stands between tag and suffix");
        report.problem_with_hint(at, message, format!("write `suffix: {given}`"));
    }
}

pub(crate) fn repository(value: &str, at: &At<'_>, report: &mut Report) {
    let path = value.split('/').all(|part| !part.is_empty());
    if !path || value.contains('@') || has_space(value) {
        report.problem_with_hint(
            at,
            format!("`{value}` is not a repository"),
            "write `namespace/repository`, without tag or digest",
        );
    } else if value.rsplit('/').next().is_some_and(|last| last.contains(':')) {
        report.problem_with_hint(
            at,
            format!("`{value}` names a tag"),
            "give the repository only; tags come from the target and the suffix",
        );
    } else if namespace(value).is_empty() {
        report.problem_with_hint(
            at,
            format!("`{value}` has no namespace"),
            format!("write `<organization>/{value}`"),
        );
    }
}

pub(crate) fn reference(value: &str, at: &At<'_>, report: &mut Report) {
    if value.is_empty() || has_space(value) || value.split('/').any(str::is_empty) {
        report.problem_with_hint(
            at,
            format!("`{value}` is not an image reference"),
            "write `namespace/repository:tag` or `namespace/repository@sha256:…`",
        );
    }
}

pub(crate) fn definition_id(id: &str, at: &At<'_>, report: &mut Report) {
    let parts: Vec<&str> = id.split('/').collect();
    let word = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    };
    if parts.len() < 2 || !parts.iter().all(word) {
        report.problem_with_hint(
            at,
            format!("`{id}` is not a tag definition id"),
            "write the path of a definition, such as `python/debian-13/3.13`, or `tag: \"3.13\"`",
        );
    }
}

pub(crate) fn tags(value: &[String], at: &At<'_>, report: &mut Report) {
    for (index, value) in value.iter().enumerate() {
        tag(value, &at.index(index), report);
    }
    duplicates(value.iter(), "tag", at, report);
}

pub(crate) fn tag(value: &str, at: &At<'_>, report: &mut Report) {
    let fits = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && value.len() <= TAG_LENGTH_MAX
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !fits {
        report.problem(at, format!("`{value}` is not a tag"));
    }
}

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
    for (index, target) in targets.iter().enumerate() {
        if targets[..index].contains(target) {
            report.problem(&at.index(index), "is there twice");
        }
    }
}

pub(crate) fn packages(value: &[PackageRequest], at: &At<'_>, report: &mut Report) {
    let mut seen: BTreeMap<&str, &PackageRequest> = BTreeMap::new();
    for (index, request) in value.iter().enumerate() {
        let Some(first) = seen.insert(request.name(), request) else { continue };
        let message = if first == request {
            format!("package `{request}` is requested twice")
        } else {
            format!("`{request}` contradicts `{first}`")
        };
        report.problem(&at.index(index), message);
    }
}

pub(crate) fn artifact(value: &Artifact, at: &At<'_>, report: &mut Report) {
    if value.includes.is_empty() {
        report.problem_with_hint(
            &at.key("includes"),
            "names no path, so nothing would be copied",
            "list the paths to copy, such as `etc/ssl/certs`",
        );
    }
}

pub(crate) fn artifact_paths(value: &[String], at: &At<'_>, report: &mut Report) {
    for (index, path) in value.iter().enumerate() {
        artifact_path(path, &at.index(index), report);
    }
    duplicates(value.iter(), "path", at, report);
}

pub(crate) fn artifact_path(value: &str, at: &At<'_>, report: &mut Report) {
    if value.is_empty() {
        report.problem_with_hint(at, "is empty", "write `/` for the whole root");
    } else if let Some(reason) = forbidden_in_path(value) {
        report.problem(at, format!("path `{}` {reason}", value.escape_debug()));
    }
}

pub(crate) fn file_path(value: &str, at: &At<'_>, report: &mut Report) {
    absolute(value, at, report);
    if value.ends_with('/') {
        report.problem(at, format!("path `{value}` names a directory, not a file"));
    }
}

pub(crate) fn absolute(path: &str, at: &At<'_>, report: &mut Report) {
    if !path.starts_with('/') {
        report.problem_with_hint(at, format!("path `{path}` is not absolute"), format!("write `/{path}`"));
    } else if let Some(reason) = forbidden_in_path(path) {
        report.problem(at, format!("path `{}` {reason}", path.escape_debug()));
    }
}

/// Says what makes a path unusable as an entry of a layer.
pub(crate) fn forbidden_in_path(path: &str) -> Option<&'static str> {
    const LENGTH_MAX: usize = 4096;
    if path.contains('\0') {
        Some("has a NUL character")
    } else if path.split('/').any(|part| part == "..") {
        Some("has a `..` component")
    } else if path.split('/').any(|part| part.starts_with(".wh.")) {
        Some("has a component that begins with `.wh.`, which marks deletions in layers")
    } else if path.len() > LENGTH_MAX {
        Some("is longer than 4096 bytes")
    } else {
        None
    }
}

pub(crate) fn files(value: &[File], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|file| &file.path), "path", at, report);
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "checks take what fields hold by reference")]
pub(crate) fn id(value: &u32, at: &At<'_>, report: &mut Report) {
    if *value > ID_MAX {
        report.problem(at, format!("id {value} is above {ID_MAX}"));
    }
}

pub(crate) fn account_name(value: &str, at: &At<'_>, report: &mut Report) {
    const LENGTH_MAX: usize = 32;
    let fits = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && value.len() <= LENGTH_MAX;
    if !fits {
        report.problem_with_hint(
            at,
            format!("`{value}` is not a name for an account"),
            format!("use at most {LENGTH_MAX} of `[A-Za-z0-9._-]`, not beginning with `.` or `-`"),
        );
    }
}

pub(crate) fn account_names(value: &[String], at: &At<'_>, report: &mut Report) {
    for (index, name) in value.iter().enumerate() {
        account_name(name, &at.index(index), report);
    }
    duplicates(value.iter(), "member", at, report);
}

pub(crate) fn users(value: &[User], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|user| &user.name), "user", at, report);
    duplicates(value.iter().map(|user| user.uid), "uid", at, report);
    for (index, user) in value.iter().enumerate() {
        if (user.name == "root") != (user.uid == 0) {
            let message = format!("user `{}` has uid {}, and 0 is root's", user.name, user.uid);
            report.problem(&at.index(index).key("uid"), message);
        }
    }
}

pub(crate) fn groups(value: &[Group], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|group| &group.name), "group", at, report);
    duplicates(value.iter().map(|group| group.gid), "gid", at, report);
}

pub(crate) fn accounts(value: &Accounts, at: &At<'_>, report: &mut Report) {
    let runs_as_root = matches!(value.runs_as.as_deref(), Some("root" | "0"));
    if runs_as_root && !value.root {
        report.problem_with_hint(
            &at.key("runs-as"),
            "is root, but the document does not enable root",
            "add `root: true` to `accounts`, or run as another user",
        );
    }
}

pub(crate) fn environment(value: &BTreeMap<String, String>, at: &At<'_>, report: &mut Report) {
    for (name, text) in value {
        let at = at.key(name);
        if name.is_empty() || name.contains(['=', '\0']) {
            report.problem(&at, "variable has no name, or a `=` or NUL character in it");
        }
        if text.contains('\0') {
            report.problem(&at, "value has a NUL character");
        }
    }
}

pub(crate) fn metadata(value: &BTreeMap<String, String>, at: &At<'_>, report: &mut Report) {
    for key in value.keys() {
        if key.is_empty() {
            report.problem(&at.key(key), "key is empty");
        } else if let Some(reserved) = RESERVED_METADATA.iter().find(|prefix| key.starts_with(**prefix)) {
            report.problem(&at.key(key), format!("`{reserved}*` describes the base and cannot be set"));
        }
    }
}

pub(crate) fn stop_signal(signal: &str, at: &At<'_>, report: &mut Report) {
    const NUMBER_MAX: u32 = 64;
    let number = signal.parse().is_ok_and(|number: u32| (1..=NUMBER_MAX).contains(&number));
    let name = signal.strip_prefix("SIG").is_some_and(|name| {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"+-".contains(&byte))
    });
    if !number && !name {
        report.problem_with_hint(at, format!("`{signal}` is not a signal"), "write `SIGTERM` or a number");
    }
}

pub(crate) fn platforms(platforms: &[Platform], at: &At<'_>, report: &mut Report) {
    if platforms.is_empty() {
        report.problem_with_hint(
            at,
            "is empty, at least one platform is needed",
            "leave out the key for all platforms of the base",
        );
    }
    duplicates(platforms.iter(), "platform", at, report);
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
    if value.suffix.is_none() && derive_suffix(&value.name).is_empty() {
        report.problem_with_hint(
            &At::ROOT.key("name"),
            format!("name `{}` gives no suffix, it has none of `[a-z0-9]`", value.name),
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
    let contents = At::ROOT.key("contents");
    let artifacts = contents.key("artifacts");
    for (index, artifact) in value.contents.artifacts.iter().enumerate() {
        same_namespace(&artifact.name, value, &artifacts.index(index).key("name"), report);
    }
    let certificates = At::ROOT.key("certificates");
    for (index, certificate) in value.certificates.iter().enumerate() {
        if let Certificate::Artifact(file) = certificate {
            same_namespace(&file.artifact, value, &certificates.index(index).key("artifact"), report);
        }
    }
}

fn same_namespace(reference: &str, value: &Customization, at: &At<'_>, report: &mut Report) {
    let theirs = namespace(reference);
    if let Some(target) = value.targets.iter().find(|target| target.namespace() != theirs) {
        let ours = target.namespace();
        report.problem_with_hint(
            at,
            format!("artifact `{reference}` is not in namespace `{ours}` of the destination"),
            format!("push it to a repository of `{ours}`"),
        );
    }
}

/// Returns the first component of a reference that is no registry host, unless it is the repository itself.
pub(crate) fn namespace(reference: &str) -> &str {
    let mut parts = reference.split('/');
    let first = parts.next().unwrap_or_default();
    let has_host = first == "localhost" || first.contains(['.', ':']);
    let candidate = if has_host { parts.next().unwrap_or_default() } else { first };
    if parts.next().is_some() { candidate } else { "" }
}

fn has_space(text: &str) -> bool {
    text.chars().any(|character| character.is_whitespace() || character.is_control())
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
