//! A document together with the places of its values, so that problems found later can still point to them.

use std::ops::Deref;

use crate::problem::{Problem, Problems};
use crate::read::{Positions, Report};

/// A document and where its values stand in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The document.
    pub value: T,
    positions: Positions,
}

impl<T> Parsed<T> {
    pub(crate) fn new(value: Option<T>, report: Report) -> Result<Self, Problems> {
        let positions = report.finish()?;
        // A value is missing only where a problem was reported; an empty list of problems would say nothing.
        value
            .map(|value| Self { value, positions })
            .ok_or_else(|| Problem::new("", None, "document could not be read").into())
    }

    /// Returns line and column, from 1, of the value at a path such as `contents.packages[1]`.
    ///
    /// Paths use canonical keys, whatever spelling the text uses.
    pub fn locate(&self, path: &str) -> Option<(usize, usize)> {
        self.positions.locate(path).map(|position| (position.line, position.column))
    }

    /// Makes a problem at a path; its position is that of the value or of the nearest one that contains it.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        self.positions.problem(path, message)
    }
}

impl<T> Deref for Parsed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
