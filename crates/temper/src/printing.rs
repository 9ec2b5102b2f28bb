//! Results on standard output: one JSON object with `--json`, text else.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

/// Prints a result; a reader that has gone away ends nothing.
pub(crate) fn print(
    json: bool,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), anyhow::Error> {
    let rendered = if json { serde_json::to_string_pretty(value)? + "\n" } else { text() };
    print_text(&rendered)
}

/// Writes rows of foreign texts under a head, each column as wide as its widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count());
        cells.chain([head[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<Cow<'_, str>> = head.iter().map(|text| Cow::Borrowed(*text)).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

/// Writes what is known of one thing, a line each; what is empty is left out.
pub(crate) fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<width$}  {}", cell(value));
    }
    text
}

/// Writes a value of few words as documents do: `read`, `owner`.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    }
}

/// Writes a bound in bytes.
pub(crate) fn bytes(bound: Option<u64>) -> String {
    bound.map_or("none".to_owned(), |bytes| indicatif::BinaryBytes(bytes).to_string())
}

/// Writes a number with its noun: `1 file`, `2 files`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Prints text as it is; a terminal gets it without what would drive it.
pub(crate) fn print_text(text: &str) -> Result<(), anyhow::Error> {
    let mut stdout = io::stdout().lock();
    let text = if stdout.is_terminal() { escaped(text, &['\n', '\t']) } else { text.into() };
    match stdout.write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Returns foreign text as one cell of a table: on one line, and nothing in it drives a terminal.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// Escapes characters that drive a terminal or turn the direction of the text, as JSON does, but for those `kept`.
fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let drives = |character: char| {
        let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (character.is_control() || turns) && !kept.contains(&character)
    };
    if !text.contains(drives) {
        return text.into();
    }
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        if drives(character) {
            let _ = write!(result, "\\u{:04x}", u32::from(character));
        } else {
            result.push(character);
        }
    }
    result.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_drives_no_terminal() {
        for (text, as_cell, as_text) in [
            ("libc6 2.41", "libc6 2.41", "libc6 2.41"),
            ("a\n\tb", "a\\u000a\\u0009b", "a\n\tb"),
            ("\u{1b}[2J\r\u{7f}", "\\u001b[2J\\u000d\\u007f", "\\u001b[2J\\u000d\\u007f"),
            ("\u{9b}2J \u{202e}cba", "\\u009b2J \\u202ecba", "\\u009b2J \\u202ecba"),
            ("Zürich 東京", "Zürich 東京", "Zürich 東京"),
        ] {
            assert_eq!(cell(text), as_cell, "{text:?}");
            assert_eq!(escaped(text, &['\n', '\t']), as_text, "{text:?}");
        }
        // What a terminal shows of a JSON document is the same document.
        let document = serde_json::json!({"name": "a\u{1b}\u{9b}\u{202e}b"});
        let shown = serde_json::to_string_pretty(&document).expect("is JSON");
        let read: serde_json::Value = serde_json::from_str(&escaped(&shown, &['\n', '\t'])).expect("is JSON");
        assert_eq!(read, document);
    }
}
