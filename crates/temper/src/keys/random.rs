//! The operating system's randomness, as keys are made from it.

use temper_attest::keys::RandomError;

/// Fills a buffer with unpredictable bytes.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| RandomError)
}
