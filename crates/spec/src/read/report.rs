//! Places in a document, and what was found out about them while reading.

use std::collections::BTreeMap;
use std::fmt;

use crate::problem::{Problem, Problems};
use crate::yaml::Position;

/// A place in a document, as the steps that lead there.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    step: Option<(&'a At<'a>, Step<'a>)>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(crate) const ROOT: At<'static> = At { step: None };

    pub(crate) fn key(&'a self, key: &'a str) -> Self {
        At { step: Some((self, Step::Key(key))) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Self {
        At { step: Some((self, Step::Index(index))) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((parent, step)) = self.step else { return Ok(()) };
        write!(f, "{parent}")?;
        match step {
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) if is_word(key) && parent.step.is_none() => f.write_str(key),
            Step::Key(key) if is_word(key) => write!(f, ".{key}"),
            Step::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// What was found out while reading: problems, and where each value stands.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
    positions: Positions,
    has_no_text: bool,
}

impl Report {
    /// Makes a report on a tree whose positions say nothing, since nobody wrote it as text.
    pub(crate) fn without_text() -> Self {
        Self { has_no_text: true, ..Self::default() }
    }

    /// Notes where a value stands.
    pub(crate) fn locate(&mut self, at: &At<'_>, position: Position) {
        if !self.has_no_text {
            self.positions.0.insert(at.to_string(), position);
        }
    }

    /// Reports a problem; the result takes a hint.
    pub(crate) fn problem(&mut self, at: &At<'_>, message: impl Into<String>) -> &mut Problem {
        let problem = self.positions.problem(&at.to_string(), message);
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Reports a problem that a hint solves.
    pub(crate) fn problem_with_hint(
        &mut self,
        at: &At<'_>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problem(at, message).hint = Some(hint.into());
    }

    /// Returns how many problems there are.
    pub(crate) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Says whether no problem was reported at any of the keys of the document or below them.
    pub(crate) fn is_clean(&self, keys: &[&str]) -> bool {
        !self.problems.iter().any(|problem| {
            let first = problem.path.split(['.', '[']).next().unwrap_or_default();
            keys.contains(&first)
        })
    }

    /// Returns the positions, or the problems if there are any.
    pub(crate) fn finish(self) -> Result<Positions, Problems> {
        if self.problems.is_empty() { Ok(self.positions) } else { Err(Problems(self.problems).sorted()) }
    }
}

/// Where the values of a document stand, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions(BTreeMap<String, Position>);

impl Positions {
    pub(crate) fn locate(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    /// Makes a problem that points to the path, or to what is nearest above it in the text.
    pub(crate) fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        let mut above = path;
        let position = loop {
            match (self.0.get(above), above.rfind(['.', '['])) {
                (Some(position), _) => break Some(*position),
                (None, Some(end)) => above = &above[..end],
                (None, None) => break self.0.get("").copied(),
            }
        };
        Problem::new(path, position, message)
    }
}
