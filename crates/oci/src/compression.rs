//! Compression of layer blobs: which one it is, and reading through it.
//!
//! Follows the media types of the [OCI image specification, "Image Layer Filesystem Changeset"](https://github.com/opencontainers/image-spec/blob/main/layer.md).
//! Only reading lives here; how new layers are compressed is the layer writer's concern.

use std::fmt;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// First byte range and the rest of a skippable frame's magic, RFC 8878 §3.1.2.
const ZSTD_SKIPPABLE: (std::ops::RangeInclusive<u8>, &[u8]) = (0x50..=0x5f, &[0x2a, 0x4d, 0x18]);
/// As many bytes of a blob as detection wants to see.
pub const MAGIC_BYTES: usize = 4;
/// Largest window that a zstd frame may ask for, as a power of two: 128 MiB, the default of the reference decoder.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How a layer blob is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
}

impl Compression {
    /// Recognises a compression by the first [`MAGIC_BYTES`] bytes of a blob.
    pub fn of_magic(start: &[u8]) -> Self {
        let is_skippable = start.first().is_some_and(|byte| ZSTD_SKIPPABLE.0.contains(byte))
            && start[1..].starts_with(ZSTD_SKIPPABLE.1);
        if start.starts_with(GZIP_MAGIC) {
            Self::Gzip
        } else if start.starts_with(ZSTD_MAGIC) || is_skippable {
            Self::Zstd
        } else {
            Self::None
        }
    }

    /// Returns a reader of what is inside.
    ///
    /// Several gzip members or zstd frames read as one stream. The caller bounds what it reads: a small blob can
    /// decompress to anything. The decoder's own memory is bounded, for zstd by a window of 128 MiB.
    pub fn decoder<'a>(self, reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, reader))),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(reader)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Returns the compression of a stream by its first bytes, and a reader of what is inside.
///
/// Container runtimes trust the bytes, not the media type; so does this.
pub fn decoder<'a>(reader: impl Read + Send + 'a) -> io::Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    let mut magic = [0; MAGIC_BYTES];
    let mut known = 0;
    // A first read may be shorter than the magic.
    while known < MAGIC_BYTES {
        match reader.read(&mut magic[known..]) {
            Ok(0) => break,
            Ok(read) => known += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let compression = Compression::of_magic(&magic[..known]);
    let whole = io::Cursor::new(magic).take(known as u64).chain(reader);
    Ok((compression, compression.decoder(whole)?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{Compression, decoder};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    #[test]
    fn joined_members_and_frames_read_as_one_stream() {
        let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("encodes");
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        for (blob, expected) in [
            ([gzip(b"one "), gzip(b"two")].concat(), Compression::Gzip),
            ([zstd(b"one "), zstd(b"two")].concat(), Compression::Zstd),
            ([skippable.to_vec(), zstd(b"one "), zstd(b"two")].concat(), Compression::Zstd),
            (b"one two".to_vec(), Compression::None),
        ] {
            let (compression, mut reader) = decoder(blob.as_slice()).expect("starts");
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("reads");
            assert_eq!((compression, text.as_str()), (expected, "one two"));
        }
    }

    #[test]
    fn cut_streams_are_errors_and_short_ones_are_plain() {
        for blob in [gzip(b"some text"), zstd::encode_all(b"some text".as_slice(), 1).expect("encodes")] {
            let (_, mut reader) = decoder(&blob[..blob.len() - 3]).expect("starts");
            assert!(reader.read_to_end(&mut Vec::new()).is_err());
        }
        let (compression, mut reader) = decoder(b"a".as_slice()).expect("starts");
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("reads");
        assert_eq!((compression, bytes), (Compression::None, b"a".to_vec()));
    }
}
