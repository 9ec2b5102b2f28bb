//! Problems: what is wrong with a document, where, and what helps.
//!
//! A document is never refused for its first problem only: every stage collects all of them.

use std::fmt;

use serde::Serialize;

use crate::yaml::Position;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Place in the document by canonical key names, `contents.packages[2]`; empty for the document itself.
    pub path: String,
    /// Line in the text, from 1; absent where no text is behind the document.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong: lower case, no final period, values in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem; the position is the one of the text that `path` names, if there is text.
    pub fn new(path: impl Into<String>, position: Option<Position>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            message: message.into(),
            hint: None,
        }
    }

    /// Returns the problem with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns what to do about it, if something is known to help.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// All problems of a document, in the order of the text; never empty where it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Sorts by position; problems without one come last, and equal ones keep their order.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by_key(|problem| {
            (problem.line.unwrap_or(usize::MAX), problem.column.unwrap_or(usize::MAX))
        });
        self
    }

    /// Returns the hints of all problems, one per line, if there are any.
    pub fn hint(&self) -> Option<String> {
        let hints: Vec<&str> = self.0.iter().filter_map(|problem| problem.hint.as_deref()).collect();
        (!hints.is_empty()).then(|| hints.join("\n"))
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::{Problem, Problems};
    use crate::yaml::Position;

    #[test]
    fn a_list_reads_in_the_order_of_the_text() {
        let late = Problem::new("cmd", Some(Position { line: 9, column: 1 }), "is a mapping");
        let early = Problem::new("nam", Some(Position { line: 2, column: 1 }), "unknown key")
            .with_hint("did you mean `name`?");
        let problems = Problems(vec![Problem::new("", None, "no position"), late, early]).sorted();
        assert_eq!(problems.to_string(), "2:1: `nam`: unknown key\n9:1: `cmd`: is a mapping\nno position");
        assert_eq!(problems.hint().as_deref(), Some("did you mean `name`?"));
    }
}
