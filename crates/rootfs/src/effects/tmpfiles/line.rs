//! One line of a `tmpfiles.d` file.

use temper_oci::normalize_path;

use crate::effects::users::sysusers::fields;

/// A line that may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Type letter.
    pub kind: char,
    /// Whether it replaces what is there (`L+`).
    pub replaces: bool,
    /// Path in the form of `Entry::path`, specifiers expanded.
    pub path: String,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Whether the mode is only for what is new (`:0755`).
    pub only_new_mode: bool,
    /// Owner by name or number.
    pub user: Option<String>,
    /// Group by name or number.
    pub group: Option<String>,
    /// Content, link target, or source.
    pub argument: Option<String>,
}

impl Line {
    /// Returns the argument, or the place below `/usr/share/factory` that stands for it.
    pub fn argument_or_factory(&self) -> String {
        self.argument.clone().unwrap_or_else(|| format!("/usr/share/factory/{}", self.path))
    }
}

/// Parses a line; `None` for comments and for what does nothing in an image.
pub fn parse(line: &str) -> Result<Option<Line>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (head, argument) = split_argument(line);
    let fields = fields(head).ok_or("a quote is not closed")?;
    let (Some(kind), Some(path)) = (fields.first(), fields.get(1)) else {
        return Err("a type and a path are needed".to_owned());
    };
    let mut letters = kind.chars();
    let kind = letters.next().unwrap_or_default();
    let modifiers: String = letters.collect();
    if modifiers.contains(['!', '^']) || "xXrReaAtThH".contains(kind) {
        return Ok(None);
    }
    if !"dDvqQfFLCzZ".contains(kind) || modifiers.contains('~') {
        return Err(format!("type `{kind}{modifiers}` is not reproduced"));
    }
    let path = expand(path)?;
    if path.contains(['*', '?', '[']) {
        return Err("a pattern is not reproduced".to_owned());
    }
    let path =
        normalize_path(&path).filter(|path| !path.is_empty()).ok_or("the path is not in a plain form")?;
    let field =
        |index: usize| fields.get(index).map(String::as_str).filter(|field| !matches!(*field, "" | "-"));
    let owner = |index| field(index).map(|name| name.trim_start_matches(':').to_owned());
    let mode_text = field(2).map(|mode| mode.trim_start_matches([':', '~']));
    let mode = mode_text.map(|mode| u32::from_str_radix(mode, 8)).transpose().ok();
    let mode = mode.filter(|mode| mode.is_none_or(|mode| mode <= 0o7777)).ok_or("the mode is not octal")?;
    let argument = argument.filter(|argument| !matches!(*argument, "" | "-")).map(expand).transpose()?;
    Ok(Some(Line {
        kind,
        replaces: modifiers.contains('+'),
        path,
        mode,
        only_new_mode: field(2).is_some_and(|mode| mode.starts_with([':', '~'])),
        user: owner(3),
        group: owner(4),
        argument: if kind == 'f' || kind == 'F' { argument.map(|text| unescape(&text)) } else { argument },
    }))
}

/// Splits off the seventh field, which is the rest of the line.
fn split_argument(line: &str) -> (&str, Option<&str>) {
    let mut quote = None;
    let mut count = 0;
    for (index, character) in line.char_indices() {
        match (character, quote) {
            ('"' | '\'', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            (' ' | '\t', None) if !line[index + 1..].starts_with([' ', '\t']) => {
                count += 1;
                if count == 6 {
                    return (&line[..index], Some(&line[index + 1..]));
                }
            }
            _ => {}
        }
    }
    (line, None)
}

/// Expands the specifiers whose value an image knows.
fn expand(text: &str) -> Result<String, String> {
    let mut expanded = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            expanded.push(character);
            continue;
        }
        expanded.push_str(match characters.next() {
            Some('%') => "%",
            Some('t') => "/run",
            Some('S') => "/var/lib",
            Some('C') => "/var/cache",
            Some('L') => "/var/log",
            Some('T') => "/tmp",
            Some('V') => "/var/tmp",
            Some('h') => "/root",
            Some('u' | 'g') => "root",
            Some('U' | 'G') => "0",
            other => {
                let letter = other.map(String::from).unwrap_or_default();
                return Err(format!("`%{letter}` is only known on a running system"));
            }
        });
    }
    Ok(expanded)
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => plain.extend(characters.next().map(|next| match next {
                'n' => '\n',
                't' => '\t',
                other => other,
            })),
            (other, false) => plain.push(other),
        }
    }
    plain
}
