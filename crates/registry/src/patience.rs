//! How long the other side may keep us waiting: not only at once, but in all, for what it gives.

use std::time::Duration;

/// An account of waiting: silence takes from it, bytes fill it up again.
///
/// A peer that sends or takes one byte before each time-out would else hold a connection for ever.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    left: Duration,
    most: Duration,
    bytes_per_second_min: u64,
}

impl Patience {
    /// Waits at most `most` at a time, and in the long run for at least so many bytes per second.
    pub(crate) fn new(most: Duration, bytes_per_second_min: u64) -> Self {
        Self { left: most, most, bytes_per_second_min: bytes_per_second_min.max(1) }
    }

    /// Returns how long the next wait may be.
    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// Takes a wait off that ended with so many bytes.
    pub(crate) fn spend(&mut self, waited: Duration, bytes: usize) {
        let earned =
            Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / self.bytes_per_second_min);
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_buy_time() {
        let mut patience = Patience::new(Duration::from_secs(10), 100);
        patience.spend(Duration::from_secs(8), 0);
        assert_eq!(patience.left(), Duration::from_secs(2));
        patience.spend(Duration::from_secs(1), 300);
        assert_eq!(patience.left(), Duration::from_secs(4));
        patience.spend(Duration::ZERO, usize::MAX);
        assert_eq!(patience.left(), Duration::from_secs(10), "never more than at first");
        patience.spend(Duration::from_secs(11), 0);
        assert_eq!(patience.left(), Duration::ZERO);
    }
}
