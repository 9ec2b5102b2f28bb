//! What a verification found, in words for people.

use std::error::Error;

use serde::Serialize;
use temper_oci::Digest;

/// What was proved of an image, what is wrong with it, and what was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The image as it was asked for.
    pub reference: String,
    /// Digest of its index, or of its manifest where it has no index.
    pub digest: Digest,
    /// What is proved, one sentence without a period each.
    pub proved: Vec<String>,
    /// What is wrong; an image is verified where this is empty.
    pub failed: Vec<Failed>,
    /// What was not checked.
    pub not_checked: Vec<NotChecked>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The document and the field: `linux/amd64, manifest: layers[2]`.
    pub at: String,
    /// What is wrong with it.
    pub message: String,
}

/// Something that was not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl Report {
    /// Returns the report of an image of which nothing is known yet.
    pub(super) fn new(reference: &str, digest: Digest) -> Self {
        let (proved, failed, not_checked) = (Vec::new(), Vec::new(), Vec::new());
        Self { reference: reference.to_owned(), digest, proved, failed, not_checked }
    }

    /// Says whether nothing is wrong.
    pub fn is_verified(&self) -> bool {
        self.failed.is_empty()
    }

    pub(super) fn prove(&mut self, what: impl Into<String>) {
        push_once(&mut self.proved, what.into());
    }

    pub(super) fn fail(&mut self, at: impl Into<String>, message: impl Into<String>) {
        push_once(&mut self.failed, Failed { at: at.into(), message: message.into() });
    }

    pub(super) fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        push_once(&mut self.not_checked, NotChecked { what: what.into(), why: why.into() });
    }
}

/// Several keys may see the same thing, which is told once.
fn push_once<T: PartialEq>(lines: &mut Vec<T>, line: T) {
    if !lines.contains(&line) {
        lines.push(line);
    }
}

/// Writes an error with its causes in one line.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors repeat their cause.
        if !text.ends_with(&message) {
            text.extend([": ", &message]);
        }
        cause = error.source();
    }
    text
}

/// Writes a number with its noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
