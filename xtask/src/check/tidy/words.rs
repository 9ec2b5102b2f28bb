//! Words that must not stand in the repository, and attributes that must give a reason.

use std::path::Path;

/// Hosts of package archives and registries: they come from configuration. Written in two parts, so that this file
/// does not hold what it forbids.
const HOSTS: &[(&str, &str)] = &[
    ("deb", ".debian.org"),
    ("security", ".debian.org"),
    ("ftp", ".debian.org"),
    ("snapshot", ".debian.org"),
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("files.pythonhosted", ".org"),
    ("pypi", ".org"),
    ("proxy.golang", ".org"),
];

/// Unfinished work and tests that do not test.
const UNFINISHED: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[ig", "nore"),
    ("#[should", "_panic"),
    ("TO", "DO"),
    ("FIX", "ME"),
];

/// Files whose content other programs write.
const WRITTEN_BY_PROGRAMS: &[&str] = &["Cargo.lock"];

/// What no file may hold.
pub(crate) fn in_any_file(file: &Path, text: &str) -> Vec<String> {
    if WRITTEN_BY_PROGRAMS.iter().any(|name| file.ends_with(name)) {
        return Vec::new();
    }
    found(file, text, HOSTS, "the host of a package registry; take it from configuration")
}

/// What no Rust file may hold.
pub(crate) fn in_source(file: &Path, text: &str) -> Vec<String> {
    let mut findings = found(file, text, UNFINISHED, "unfinished, or a test that does not test");
    findings.extend(attributes_without_reason(file, text));
    findings
}

fn found(file: &Path, text: &str, words: &[(&str, &str)], why: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (first, second) in words {
        let word = format!("{first}{second}");
        for (index, line) in text.lines().enumerate().filter(|(_, line)| line.contains(&word)) {
            if stands_alone(line, &word) {
                findings.push(format!("{}:{}: `{word}`: {why}", file.display(), index + 1));
            }
        }
    }
    findings
}

/// Whether the word is not just the end of a longer one.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(index, _)| {
        let before = line[..index].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_')
    })
}

/// `allow` and `expect` attributes, which may span lines, need a `reason`.
fn attributes_without_reason(file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut offset = 0;
    for (index, line) in text.lines().enumerate() {
        let begins = line.trim_start().trim_start_matches(['#', '!', '[']);
        let is_attribute = line.trim_start().starts_with('#');
        if is_attribute && (begins.starts_with("allow(") || begins.starts_with("expect(")) {
            let attribute = text[offset..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason") {
                findings.push(format!(
                    "{}:{}: a lint is silenced without a reason",
                    file.display(),
                    index + 1
                ));
            }
        }
        offset += line.len() + 1;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words_are_found_where_they_stand_alone() {
        let file = Path::new("a.rs");
        let host = ["http://deb", ".debian.org/debian"].concat();
        assert_eq!(in_any_file(file, &host).len(), 1);
        assert!(in_any_file(file, "www.debian.org manpages.debian.org").is_empty());
        assert!(in_any_file(Path::new("Cargo.lock"), &host).is_empty());
        let unfinished = ["fn a() { to", "do!() }"].concat();
        assert_eq!(in_source(file, &unfinished).len(), 1);
        assert!(in_source(file, "fn mytodo() {}").is_empty());
    }

    #[test]
    fn silenced_lints_need_a_reason() {
        let file = Path::new("a.rs");
        assert!(in_source(file, "#[expect(\n    dead_code,\n    reason = \"later\"\n)]\n").is_empty());
        assert_eq!(in_source(file, "x\n#![allow(dead_code)]\n").len(), 1);
        assert!(in_source(file, "let x = y.expect(\"proven\");\n").is_empty());
    }
}
