//! Compression of fakes.

use std::io::{Read, Write};

/// How a fake's bytes are compressed; output does not depend on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// As they are.
    None,
    /// Gzip.
    Gzip,
    /// Xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Every form, for tables of tests.
    pub const ALL: [Self; 4] = [Self::None, Self::Gzip, Self::Xz, Self::Zstd];

    /// The suffix of file names, `.xz`; empty for none.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }

    /// Compresses fast rather than well.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).expect("memory takes every byte");
                encoder.finish().expect("memory takes every byte")
            }
            Self::Xz => {
                let mut compressed = Vec::new();
                let mut encoder = liblzma::read::XzEncoder::new(bytes, 1);
                encoder.read_to_end(&mut compressed).expect("memory takes every byte");
                compressed
            }
            Self::Zstd => zstd::encode_all(bytes, 1).expect("memory takes every byte"),
        }
    }
}
