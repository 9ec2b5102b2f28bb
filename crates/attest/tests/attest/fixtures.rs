//! Keys and images that the tests share.

use temper_attest::FileKey;
use temper_attest::keys::RandomError;
use temper_oci::Digest;

/// A source of bytes that counts from a seed: unpredictable to nobody, which is what a test wants.
pub(crate) fn counting(seed: u8) -> impl FnMut(&mut [u8]) -> Result<(), RandomError> {
    let mut next = seed;
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
        Ok(())
    }
}

/// A key that is always the same for a seed.
pub(crate) fn key(seed: u8) -> FileKey {
    FileKey::generate(&mut counting(seed)).unwrap()
}

/// The digest of some text, standing for a manifest.
pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text)
}
