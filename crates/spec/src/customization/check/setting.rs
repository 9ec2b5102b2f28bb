//! Packages, artifacts, and the settings of the image.

use std::collections::BTreeMap;

use temper_oci::Platform;

use crate::read::record::nearest;
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
        if !is_variable_name(name) {
            let message = format!("`{}` is not the name of a variable", name.escape_debug());
            let rule = "a name has letters, digits, `_`, `.` and `-`, and begins with no digit";
            let hint = match variable_name(name) {
                Some(likely) => format!("write `{likely}`: {rule}"),
                None => rule.to_owned(),
            };
            report.problem_with_hint(&at, message, hint);
        }
        if text.contains('\0') {
            report.problem_with_hint(
                &at,
                "value has a NUL character",
                "no process can be given it: leave it out",
            );
        }
    }
}

/// Says whether Kubernetes and shells can name a variable so
/// ([Kubernetes](https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/)).
fn is_variable_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(is_good)
}

/// Returns the name of a variable that was probably meant.
fn variable_name(name: &str) -> Option<String> {
    // What stands behind `=` was to be the value.
    let name = name.split('=').next().unwrap_or_default().trim();
    let likely = name.replace(|character: char| !is_variable_name(character.encode_utf8(&mut [0; 4])), "_");
    is_variable_name(&likely).then_some(likely).filter(|likely| likely.bytes().any(|byte| byte != b'_'))
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

/// The signals of Linux without `SIG`, in lower case ([signal(7)](https://manpages.debian.org/signal.7)).
const SIGNALS: [&str; 36] = [
    "abrt", "alrm", "bus", "chld", "cld", "cont", "fpe", "hup", "ill", "int", "io", "iot", "kill", "pipe",
    "poll", "prof", "pwr", "quit", "rtmax", "rtmin", "segv", "stkflt", "stop", "sys", "term", "trap", "tstp",
    "ttin", "ttou", "urg", "usr1", "usr2", "vtalrm", "winch", "xcpu", "xfsz",
];

/// The highest number of a signal.
const SIGNAL_NUMBER_MAX: u32 = 64;

pub(crate) fn stop_signal(signal: &str, at: &At<'_>, report: &mut Report) {
    let is_number = signal.parse().is_ok_and(|number: u32| (1..=SIGNAL_NUMBER_MAX).contains(&number));
    if is_number || signal.strip_prefix("SIG").is_some_and(is_signal_name) {
        return;
    }
    let lower = signal.trim().to_ascii_lowercase();
    let bare = lower.strip_prefix("sig").unwrap_or(&lower);
    let hint = match nearest(bare, SIGNALS.into_iter()) {
        Some(name) => format!("write `SIG{}`", name.to_ascii_uppercase()),
        None => {
            format!("write `SIGTERM`, another name of signal(7), or a number from 1 to {SIGNAL_NUMBER_MAX}")
        }
    };
    report.problem_with_hint(at, format!("`{signal}` is not a signal"), hint);
}

/// Says whether a name behind `SIG` is a signal's; of the real-time signals all that runtimes know by name.
fn is_signal_name(name: &str) -> bool {
    let within = |text: &str, max: u32| text.parse().is_ok_and(|step: u32| (1..=max).contains(&step));
    let is_real_time = name.strip_prefix("RTMIN+").is_some_and(|step| within(step, 15))
        || name.strip_prefix("RTMAX-").is_some_and(|step| within(step, 14));
    is_real_time || SIGNALS.iter().any(|known| known.to_ascii_uppercase() == name)
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
