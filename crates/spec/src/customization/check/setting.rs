//! Packages, artifacts, and the settings of the image.

use std::collections::BTreeMap;

use temper_oci::Platform;

use crate::read::{At, Report};

use super::super::{Artifact, PackageRequest};
use super::duplicates;

/// Label and annotation keys that describe the hardened base, and that only a build may write.
const RESERVED_METADATA: [&str; 2] = ["com.docker.dhi.", "org.opencontainers.image.base."];

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
