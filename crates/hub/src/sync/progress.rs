//! How far a look at an upstream has come.

use serde::{Deserialize, Serialize};

/// Counts of a look; those that end in `done` grow towards their totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Progress {
    /// Tags that are wanted.
    pub tags: u64,
    /// Those of them that were looked at.
    pub tags_done: u64,
    /// Tags that were put or moved.
    pub tags_moved: u64,
    /// Tags that were removed because they are gone upstream.
    pub tags_removed: u64,
    /// Tags that are wanted and belong to builds.
    pub tags_held: u64,
    /// Tags that are wanted and do not come in.
    pub tags_refused: u64,
    /// Images of which something came in.
    pub images_taken: u64,
    /// Blobs that came in, or were found here.
    pub blobs_done: u64,
    /// Bytes of blobs that are known to be missing.
    pub bytes: u64,
    /// Those of them that came in, or were found here.
    pub bytes_done: u64,
}
