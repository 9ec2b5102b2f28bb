//! Names: of the customization, of repositories, references, definitions and tags.

use temper_oci::Reference;
use temper_oci::reference::DOCKER_REGISTRY;

use crate::read::{At, Report};

use super::super::TAG_LENGTH_MAX;
use super::duplicates;

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
    } else {
        grammar(value, "write `namespace/repository`, without tag or digest", at, report);
    }
}

pub(crate) fn reference(value: &str, at: &At<'_>, report: &mut Report) {
    const FORM: &str = "write `namespace/repository:tag` or `namespace/repository@sha256:…`";
    if value.is_empty() || has_space(value) || value.split('/').any(str::is_empty) {
        report.problem_with_hint(at, format!("`{value}` is not an image reference"), FORM);
    } else {
        grammar(value, FORM, at, report);
    }
}

/// Checks host, repository, tag and digest as registries do, which would refuse them much later.
fn grammar(value: &str, form: &str, at: &At<'_>, report: &mut Report) {
    let full = if has_host(value) { value.to_owned() } else { format!("{DOCKER_REGISTRY}/{value}") };
    if let Err(error) = full.parse::<Reference>() {
        let hint = error.hint().unwrap_or_else(|| form.to_owned());
        let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
        report.problem_with_hint(at, format!("{error}{cause}"), hint);
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

pub(crate) fn tag(value: &str, at: &At<'_>, report: &mut Report) {
    let fits = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && value.len() <= TAG_LENGTH_MAX
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !fits {
        report.problem(at, format!("`{value}` is not a tag"));
    }
}

pub(crate) fn tags(value: &[String], at: &At<'_>, report: &mut Report) {
    for (index, value) in value.iter().enumerate() {
        tag(value, &at.index(index), report);
    }
    duplicates(value.iter(), "tag", at, report);
}

/// Returns the first component of a reference that is no registry host, unless it is the repository itself.
pub(crate) fn namespace(reference: &str) -> &str {
    let mut parts = reference.split('/');
    let first = parts.next().unwrap_or_default();
    let candidate = if has_host(reference) { parts.next().unwrap_or_default() } else { first };
    if parts.next().is_some() { candidate } else { "" }
}

/// Says whether a reference begins with a registry; an upper-case word is a mistake, not a host as in
/// [`Reference::parse_in`].
fn has_host(reference: &str) -> bool {
    reference.split_once('/').is_some_and(|(first, _)| first == "localhost" || first.contains(['.', ':']))
}

fn has_space(text: &str) -> bool {
    text.chars().any(|character| character.is_whitespace() || character.is_control())
}
