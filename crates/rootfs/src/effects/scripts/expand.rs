//! The values of words, as far as they are known before a script runs.

use std::collections::BTreeMap;

use super::Argument;
use super::pattern::Pattern;
use super::words::{Part, Word, word};
use super::world::World;

/// A value, or `None` where only a run could tell.
pub(crate) type Value = Option<String>;

/// Defaults inside defaults may nest this deep.
const DEPTH_MAX: usize = 8;

/// Variables and arguments at one point of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Variables by name; one that is missing is not known.
    pub(crate) variables: BTreeMap<String, Value>,
    /// `$1`, `$2`, …; those beyond are empty.
    pub(crate) arguments: Vec<Value>,
}

impl Environment {
    /// Expands a word into one value, as in an assignment.
    pub(crate) fn value(&self, word: &Word, world: &dyn World) -> Value {
        self.joined(&word.parts, world, 0)
    }

    /// Expands words into the arguments of a command.
    pub(crate) fn arguments(&self, words: &[Word], world: &dyn World) -> Vec<Argument> {
        words.iter().flat_map(|word| self.fields(word, world)).collect()
    }

    /// Expands a word into a pattern of `case` or of `${name%pattern}`.
    pub(crate) fn pattern(&self, word: &Word, world: &dyn World) -> Option<Pattern> {
        let mut pattern = Pattern::default();
        for part in &word.parts {
            match part {
                Part::Text { text, quoted } => pattern.push(text, *quoted),
                Part::Variable { quoted, .. } | Part::Command { quoted, .. } => {
                    pattern.push(&self.part(part, world, 0)?, *quoted);
                }
            }
        }
        Some(pattern)
    }

    fn joined(&self, parts: &[Part], world: &dyn World, depth: usize) -> Value {
        let mut value = String::new();
        for part in parts {
            value.push_str(&self.part(part, world, depth)?);
        }
        Some(value)
    }

    fn part(&self, part: &Part, world: &dyn World, depth: usize) -> Value {
        match part {
            Part::Text { text, .. } => Some(text.clone()),
            Part::Command { text, .. } => world.substitute(text),
            Part::Variable { name, modifier, .. } => self.variable(name, modifier, world, depth),
        }
    }

    fn variable(&self, name: &str, modifier: &str, world: &dyn World, depth: usize) -> Value {
        let value = match name.parse::<usize>() {
            Ok(0) => None,
            Ok(index) => self.arguments.get(index - 1).cloned().unwrap_or(Some(String::new())),
            Err(_) if name == "#" => Some(self.arguments.len().to_string()),
            Err(_) if matches!(name, "*" | "@") => {
                self.arguments.iter().cloned().collect::<Option<Vec<_>>>().map(|all| all.join(" "))
            }
            Err(_) => self.variables.get(name).cloned().flatten(),
        };
        if modifier.is_empty() {
            return value;
        }
        if depth == DEPTH_MAX {
            return None;
        }
        let value = value?;
        let operator = modifier.trim_start_matches(':');
        let other = |text: &str| self.joined(&word(text, true)?.parts, world, depth + 1);
        match operator.as_bytes().first()? {
            // An unset variable is never known here, so that both forms mean "empty".
            b'-' if value.is_empty() => other(&operator[1..]),
            b'+' if !value.is_empty() => other(&operator[1..]),
            b'-' | b'?' => Some(value),
            b'+' => Some(String::new()),
            b'%' | b'#' if !modifier.starts_with(':') => {
                let sign = &operator[..1];
                let longest = operator[1..].starts_with(sign);
                let text = &operator[1 + usize::from(longest)..];
                let pattern = self.pattern(&word(text, false)?, world)?;
                Some(pattern.trim(&value, sign == "#", longest))
            }
            _ => None,
        }
    }

    fn fields(&self, word: &Word, world: &dyn World) -> Vec<Argument> {
        if let [Part::Text { text, quoted: true }, Part::Variable { name, modifier, quoted: true }] =
            word.parts.as_slice()
            && (text.is_empty() && name == "@" && modifier.is_empty())
        {
            let unknown = || Argument::Unknown(word.raw.clone());
            return self.arguments.iter().map(|v| v.clone().map_or_else(unknown, Argument::Known)).collect();
        }
        let Some(pattern) = self.pattern(word, world) else {
            return vec![Argument::Unknown(word.raw.clone())];
        };
        if pattern.is_glob() && word.bare() != Some("[") && word.bare() != Some("[[") {
            return self.glob(word, &pattern, world);
        }
        let mut fields: Vec<String> = Vec::new();
        let mut open = false;
        for part in &word.parts {
            let (Part::Text { quoted, .. } | Part::Variable { quoted, .. } | Part::Command { quoted, .. }) =
                part;
            let Some(value) = self.part(part, world, 0) else {
                return vec![Argument::Unknown(word.raw.clone())];
            };
            let is_text = matches!(part, Part::Text { .. });
            if !quoted && value.starts_with('~') {
                return vec![Argument::Unknown(word.raw.clone())];
            }
            if *quoted || is_text {
                append(&mut fields, &mut open, &value);
                continue;
            }
            let mut first = true;
            for piece in value.split([' ', '\t', '\n']) {
                open &= first;
                first = false;
                if !piece.is_empty() {
                    append(&mut fields, &mut open, piece);
                }
            }
        }
        fields.into_iter().map(Argument::Known).collect()
    }

    /// Expands a pattern to the paths that it matches; one that matches nothing stands for itself.
    fn glob(&self, word: &Word, pattern: &Pattern, world: &dyn World) -> Vec<Argument> {
        let value =
            self.joined(&word.parts, world, 0).filter(|value| value.starts_with('/') && !value.contains(' '));
        let Some(value) = value else { return vec![Argument::Unknown(word.raw.clone())] };
        let matching = world.matching(pattern);
        let values = if matching.is_empty() { vec![value] } else { matching };
        values.into_iter().map(Argument::Known).collect()
    }
}

fn append(fields: &mut Vec<String>, open: &mut bool, text: &str) {
    match fields.last_mut() {
        Some(field) if *open => field.push_str(text),
        _ => fields.push(text.to_owned()),
    }
    *open = true;
}
