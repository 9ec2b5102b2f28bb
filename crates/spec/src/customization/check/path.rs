//! Paths: absolute in the image, and never out of it.

use crate::read::{At, Report};

use super::super::File;
use super::duplicates;

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
    const COMPONENT_LENGTH_MAX: usize = 255;
    if path.contains('\0') {
        Some("has a NUL character")
    } else if path.split('/').any(|part| part == "..") {
        Some("has a `..` component")
    } else if path.split('/').any(|part| part.starts_with(".wh.")) {
        Some("has a component that begins with `.wh.`, which marks deletions in layers")
    } else if path.len() > LENGTH_MAX {
        Some("is longer than 4096 bytes")
    } else if path.split('/').any(|part| part.len() > COMPONENT_LENGTH_MAX) {
        Some("has a component of more than 255 bytes, which no file system takes")
    } else {
        None
    }
}

pub(crate) fn files(value: &[File], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|file| &file.path), "path", at, report);
}
