//! Tree to text: block notation, two spaces, quotes only where they are needed.

use std::fmt::Write as _;

use super::{Node, Style, Value};

/// Prints a tree so that [`super::parse()`] gives it back.
pub fn print(node: &Node) -> String {
    let mut out = String::new();
    match &node.value {
        Value::Scalar(text, style) => {
            scalar(&mut out, text, *style, 0);
            out.push('\n');
        }
        Value::Sequence(items) if items.is_empty() => out.push_str("[]\n"),
        Value::Mapping(entries) if entries.is_empty() => out.push_str("{}\n"),
        _ => block(&mut out, node, 0, false),
    }
    out
}

/// Says whether a text can stand without quotes and be taken for nothing but text.
pub(super) fn is_plain_text(text: &str) -> bool {
    const WORDS: [&str; 13] =
        ["~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan", "<<"];
    // Numbers of every base, dates and times; a version such as `1.2.3` is none of them.
    let number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"+-._:xoTZ ".contains(&byte))
        && !is_dotted_version(text);
    !text.is_empty() && is_plain(text) && !number && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn is_dotted_version(text: &str) -> bool {
    let mut parts = 0;
    text.split('.').all(|part| {
        parts += 1;
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    }) && parts > 2
}

/// Says whether a text can stand without quotes in block notation
/// ([YAML 1.2.2 §7.3.3](https://yaml.org/spec/1.2.2/#733-plain-style)).
pub(super) fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return true };
    let second = characters.next();
    let first_fits = match first {
        '-' | '?' | ':' => second.is_some_and(|second| second != ' '),
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
            false
        }
        _ => true,
    };
    first_fits
        && text.trim_matches([' ', '\t']) == text
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.starts_with("---")
        && !text.starts_with("...")
        && text.chars().all(|character| character != '\t' && character != '\n' && is_printable(character))
}

/// Says whether a character may stand in a document unescaped and is kept as it is by every reader.
fn is_printable(character: char) -> bool {
    matches!(character, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Prints a list or mapping; `inline` when the first line already has its indentation, after `- `.
fn block(out: &mut String, node: &Node, indent: usize, inline: bool) {
    let mut first = inline;
    let mut margin = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match &node.value {
        Value::Sequence(items) => {
            for item in items {
                margin(out);
                out.push('-');
                child(out, item, indent, true);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                margin(out);
                key(out, &entry.key);
                out.push(':');
                child(out, &entry.value, indent, false);
            }
        }
        Value::Scalar(..) => {}
    }
}

/// Prints the value behind `-` or `key:`, and ends its line.
fn child(out: &mut String, node: &Node, indent: usize, in_sequence: bool) {
    match &node.value {
        Value::Scalar(text, style) => {
            if !(text.is_empty() && *style == Style::Plain) {
                out.push(' ');
            }
            scalar(out, text, *style, indent + 2);
            out.push('\n');
        }
        Value::Sequence(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Mapping(entries) if entries.is_empty() => out.push_str(" {}\n"),
        _ if in_sequence => {
            out.push(' ');
            block(out, node, indent + 2, true);
        }
        _ => {
            out.push('\n');
            block(out, node, indent + 2, false);
        }
    }
}

fn key(out: &mut String, text: &str) {
    if !text.is_empty() && is_plain(text) {
        out.push_str(text);
    } else {
        quoted(out, text);
    }
}

fn scalar(out: &mut String, text: &str, style: Style, indent: usize) {
    if style == Style::Plain && is_plain(text) {
        out.push_str(text);
    } else if indent > 0 && is_literal(text) {
        literal(out, text, indent);
    } else {
        quoted(out, text);
    }
}

/// Says whether a text reads well as a literal block and survives it unchanged.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && text.lines().all(|line| line.is_empty() || !line.trim().is_empty())
        && text.chars().all(is_printable)
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    // The last line break is the caller's.
    let lines = text.strip_suffix('\n').unwrap_or(text);
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            character if is_printable(character) => out.push(character),
            character => {
                let code = u32::from(character);
                let _ =
                    if code <= 0xff { write!(out, "\\x{code:02X}") } else { write!(out, "\\u{code:04X}") };
            }
        }
    }
    out.push('"');
}
