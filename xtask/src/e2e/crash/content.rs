//! What is pushed: bytes that a number tells, so that they need not be remembered.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

const SMALL_BYTES: Range<u64> = 1_000..64_000;
const LARGE_BYTES: Range<u64> = 1_000_000..8_000_000;
/// One blob of so many is large.
const LARGE_EVERY: u64 = 12;

/// A stream of numbers that depends on its seed alone (the generator `SplitMix64`).
pub(in crate::e2e) struct Random(u64);

impl Random {
    pub(in crate::e2e) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::e2e) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(in crate::e2e) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }
}

/// A blob, known by its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::e2e) struct Blob {
    number: u64,
    pub(in crate::e2e) digest: String,
    pub(in crate::e2e) size_bytes: usize,
}

impl Blob {
    /// Returns the blob with its bytes.
    pub(in crate::e2e) fn new(number: u64) -> (Self, Vec<u8>) {
        let bytes = bytes(number);
        (Self { number, digest: digest(&bytes), size_bytes: bytes.len() }, bytes)
    }

    pub(in crate::e2e) fn bytes(&self) -> Vec<u8> {
        bytes(self.number)
    }
}

fn bytes(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let sizes = if random.next().is_multiple_of(LARGE_EVERY) { LARGE_BYTES } else { SMALL_BYTES };
    let size = random.within(sizes) as usize;
    let words = std::iter::repeat_with(|| random.next().to_le_bytes()).take(size.div_ceil(8));
    let mut bytes: Vec<u8> = words.flatten().collect();
    bytes.truncate(size);
    bytes
}

/// The digest as the registry writes it.
pub(in crate::e2e) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// A manifest over blobs, the first of which is its config; `nonce` makes it one of its own.
pub(in crate::e2e) fn manifest(blobs: &[Blob], nonce: &str) -> Vec<u8> {
    let descriptor = |media_type: &str, blob: &Blob| serde_json::json!({ "mediaType": media_type, "digest": blob.digest, "size": blob.size_bytes });
    let layer = |blob| descriptor("application/octet-stream", blob);
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": super::pusher::MEDIA_TYPE,
        "artifactType": "application/vnd.example.crash",
        "config": descriptor("application/vnd.example.config", &blobs[0]),
        "layers": blobs[1..].iter().map(layer).collect::<Vec<_>>(),
        "annotations": { "nonce": nonce },
    });
    manifest.to_string().into_bytes()
}
