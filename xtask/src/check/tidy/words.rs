//! Words that must not stand in the repository, and attributes that must give a reason.

use std::path::Path;

/// Unfinished work and tests that do not test.
const UNFINISHED: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[ig", "nore"),
    ("#[should", "_panic"),
    ("TO", "DO"),
    ("FIX", "ME"),
];

/// What no Rust file may hold.
pub(crate) fn in_source(file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (first, second) in UNFINISHED {
        let word = format!("{first}{second}");
        for (index, _) in text.lines().enumerate().filter(|(_, line)| stands_alone(line, &word, "_")) {
            let place = format!("{}:{}", file.display(), index + 1);
            findings.push(format!("{place}: `{word}`: unfinished, or a test that does not test"));
        }
    }
    findings.extend(attributes_without_reason(file, text));
    findings
}

/// Whether a word is not just the end of a longer one; `joins` are characters of words beside letters and digits.
pub(crate) fn stands_alone(line: &str, word: &str, joins: &str) -> bool {
    line.match_indices(word).any(|(index, _)| {
        let before = line[..index].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || joins.contains(character))
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
