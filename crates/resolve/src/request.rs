//! What a caller wants to be installed and what not.

use std::collections::BTreeSet;
use std::fmt;

/// The wishes of one resolution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Packages to install, in the order of the document. A virtual package with one provider stands for it.
    pub install: Vec<Wanted>,
    /// Names that must not be installed; installed ones are removed.
    pub forbid: BTreeSet<String>,
    pub forbid_mode: ForbidMode,
}

/// A package by name, and by version if one is pinned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub name: String,
    pub version: Option<String>,
}

/// What happens to a dependency that only forbidden packages could satisfy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForbidMode {
    /// It is a problem that names who needs it.
    #[default]
    Refuse,
    /// It counts as satisfied and is reported. For images built from a definition, whose authors leave packages out
    /// that the archive's relations ask for.
    Waive,
}

impl Wanted {
    /// A package in the version that the policy prefers.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), version: None }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(formatter, "{}={version}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}
