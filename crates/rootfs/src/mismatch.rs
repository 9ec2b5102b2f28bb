//! Two digests that should be one.

use std::fmt;

use temper_oci::Digest;

/// The digest that was expected and the one that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the index or record names.
    pub expected: Digest,
    /// What the bytes gave.
    pub found: Digest,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "digest {}, expected {}", self.found, self.expected)
    }
}
