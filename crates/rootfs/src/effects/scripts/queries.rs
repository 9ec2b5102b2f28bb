//! Questions to commands that otherwise change the system: their answers are not the success of a change.

use super::condition::Truth;
use super::{Argument, Call};
use crate::effects::{alternatives, statoverride};
use crate::glob::Glob;
use crate::tree::Tree;

/// For each command the words that make a question of it.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("deb-systemd-helper", &["debian-installed", "is-enabled", "was-enabled"]),
    ("dpkg-statoverride", &["--list"]),
    ("invoke-rc.d", &["--query", "status"]),
    ("service", &["--status-all", "status"]),
    ("systemctl", &["is-active", "is-enabled", "is-failed", "is-system-running", "show", "status"]),
    ("update-alternatives", &["--display", "--get-selections", "--list", "--query"]),
];

/// Whether a call asks only.
pub(super) fn is_query(name: &str, words: &[Argument]) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default();
    let questions = QUESTIONS.iter().filter(|(command, _)| *command == name).flat_map(|(_, words)| *words);
    words.iter().skip(1).filter_map(Argument::known).any(|word| questions.clone().any(|asks| *asks == word))
}

/// Answers a question from the tree and what the script has called before it.
pub(super) fn answer(tree: &Tree, calls: &[Call], name: &str, words: &[Argument]) -> Truth {
    let known: Option<Vec<&str>> = words.iter().skip(1).map(Argument::known).collect();
    let Some(known) = known else { return Truth::Unknown };
    match (name.rsplit('/').next(), known.as_slice()) {
        (Some("update-alternatives"), [.., "--display" | "--list" | "--query", subject]) => {
            let is_there = tree.lookup(&format!("{}/{subject}", alternatives::DATABASE)).is_some();
            or_called(is_there, calls, "update-alternatives", &["--install", subject])
        }
        (Some("dpkg-statoverride"), [.., "--list", pattern]) => {
            let is_there = has_override(tree, pattern);
            or_called(is_there, calls, "dpkg-statoverride", &["--add", pattern])
        }
        // No service runs while an image is made.
        (Some("systemctl"), [.., "is-active", _]) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// Answers yes too where an earlier call of the script has these words, as far as that one is sure.
fn or_called(is_there: bool, calls: &[Call], name: &str, words: &[&str]) -> Truth {
    let has = |call: &Call, word: &str| call.words.iter().any(|argument| argument.known() == Some(word));
    let is_meant = |call: &&Call| call.name() == name && words.iter().all(|word| has(call, word));
    let called: Vec<&Call> = calls.iter().filter(is_meant).collect();
    if is_there || called.iter().any(|call| call.doubt.is_none()) {
        Truth::Yes
    } else if called.is_empty() {
        Truth::No
    } else {
        Truth::Unknown
    }
}

/// Whether an override of the tree has a path that the pattern matches.
fn has_override(tree: &Tree, pattern: &str) -> bool {
    let text = tree.read(statoverride::DATABASE).unwrap_or_default();
    let glob = Glob::parse(pattern.trim_end_matches('/'));
    String::from_utf8_lossy(text)
        .lines()
        .filter_map(|line| line.splitn(4, ' ').nth(3))
        .any(|path| glob.matches(path))
}
