//! Memory that bodies share while they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::body::PIECE_BYTES;

/// The smallest piece, however many bodies arrive.
const PIECE_BYTES_MIN: usize = 16 << 10;

/// A body among those that arrive, counted until it is dropped.
pub(super) struct Sharing {
    sharers: Arc<AtomicUsize>,
    all_bytes: usize,
}

impl Sharing {
    pub(super) fn begin(sharers: &Arc<AtomicUsize>, all_bytes: usize) -> Self {
        sharers.fetch_add(1, Ordering::Relaxed);
        Self { sharers: Arc::clone(sharers), all_bytes }
    }

    /// Returns how much this body may gather at once; as much again is being written.
    pub(super) fn piece_bytes(&self) -> usize {
        let share = self.all_bytes / 2 / self.sharers.load(Ordering::Relaxed).max(1);
        share.clamp(PIECE_BYTES_MIN, PIECE_BYTES)
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.sharers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_shrink_while_many_bodies_arrive() {
        let sharers = Arc::default();
        let first = Sharing::begin(&sharers, 4 << 20);
        assert_eq!(first.piece_bytes(), 1 << 20);
        let others: Vec<_> = (1..8).map(|_| Sharing::begin(&sharers, 4 << 20)).collect();
        assert_eq!(first.piece_bytes(), 256 << 10);
        let crowd: Vec<_> = (0..1000).map(|_| Sharing::begin(&sharers, 4 << 20)).collect();
        assert_eq!(first.piece_bytes(), 16 << 10);
        drop((others, crowd));
        assert_eq!(first.piece_bytes(), 1 << 20);
    }
}
