//! Problems and warnings of a plan.

use serde::{Deserialize, Serialize};

/// One thing that a plan has to say: a problem (nothing is built) or a warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Path in the document that it belongs to (`contents.packages[1]`), empty where it belongs to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is the matter, one sentence without a period.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// Returns a finding about a path of the document.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Problems and warnings gathered while a plan is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Each one keeps the build from starting.
    pub problems: Vec<Finding>,
    /// Things to know before building.
    pub warnings: Vec<Finding>,
}

impl Findings {
    /// Adds a problem.
    pub fn problem(&mut self, finding: Finding) {
        self.problems.push(finding);
    }

    /// Adds a warning.
    pub fn warning(&mut self, finding: Finding) {
        self.warnings.push(finding);
    }

    /// Adds everything of another.
    pub fn append(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.warnings.extend(other.warnings);
    }
}
