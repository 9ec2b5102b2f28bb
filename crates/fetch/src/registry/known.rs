//! What is known to be where: repositories that blobs can be mounted from.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use temper_oci::Digest;

/// Most blobs that are remembered; forgetting costs an upload, never correctness.
const BLOBS_MAX: usize = 100_000;

/// For registry and blob, a repository that was seen to have it.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<BTreeMap<(String, Digest), String>>);

impl Known {
    /// Remembers that a repository has a blob.
    pub(super) fn add(&self, registry: &str, repository: &str, digest: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= BLOBS_MAX {
            known.clear();
        }
        known.entry((registry.to_owned(), digest)).or_insert_with(|| repository.to_owned());
    }

    /// Returns another repository of the registry that has a blob.
    pub(super) fn elsewhere(&self, registry: &str, repository: &str, digest: Digest) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(registry.to_owned(), digest)).filter(|found| *found != repository).cloned()
    }
}
