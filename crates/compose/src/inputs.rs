//! Where the images that a provenance names are found again.

use temper_attest::provenance::Input;

use crate::error::External;
use crate::image::ImageSource;

/// Bases and artifacts by their digests, wherever they can be had now.
pub trait Inputs: Send + Sync {
    /// Opens the image of an input; nothing where nobody has it. Its root has the digest of the input.
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External>;
}
