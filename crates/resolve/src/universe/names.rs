//! A table from names to records, of eight bytes for each entry.
//!
//! Names are kept as hashes and checked by whoever looks them up, so that the table of a whole archive is one sorted
//! vector without a single allocated string.

use super::RecordId;

/// Pairs of a name's hash and a record, sorted.
#[derive(Debug, Default)]
pub(super) struct NameTable {
    entries: Vec<u64>,
}

impl NameTable {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity) }
    }

    /// Adds an entry; [`finish`](Self::finish) makes it visible.
    pub(super) fn add(&mut self, name: &str, record: RecordId) {
        self.entries.push(u64::from(hash(name)) << 32 | u64::from(record.0));
    }

    pub(super) fn finish(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
        self.entries.shrink_to_fit();
    }

    /// The records that may have the name, in the order of their ids. The caller compares the names.
    pub(super) fn find(&self, name: &str) -> impl Iterator<Item = RecordId> + '_ {
        let wanted = hash(name);
        let start = self.entries.partition_point(|entry| ((entry >> 32) as u32) < wanted);
        self.entries[start..]
            .iter()
            .take_while(move |entry| (**entry >> 32) as u32 == wanted)
            .map(|entry| RecordId(*entry as u32))
    }
}

/// FNV-1a over eight bytes at a time would gain nothing: names are short.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |state, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
