//! Decompression of a package's members by the suffix of their names.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::PackageError;
use super::container::Member;

/// Largest window of a zstd frame as a power of two: the largest that its command-line tool makes.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// A member's content without its compression.
pub(super) enum Decompressor<R: Read> {
    Plain(R),
    Gzip(MultiGzDecoder<R>),
    /// Xz or lzma; the decoder knows which.
    Xz(XzDecoder<R>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Decompressor<R> {
    /// Chooses the decoder for a member that `reader` gives.
    pub(super) fn new(member: &Member, reader: R, memory_max: u64) -> Result<Self, PackageError> {
        let failed = |source| PackageError::Decompress { member: member.name.clone(), source };
        let xz = |stream: Result<Stream, liblzma::stream::Error>, reader| {
            Ok(Self::Xz(XzDecoder::new_stream(reader, stream.map_err(|error| failed(error.into()))?)))
        };
        let suffix = member.name.split_once(".tar").map_or("", |(_, suffix)| suffix);
        match suffix {
            "" => Ok(Self::Plain(reader)),
            ".gz" => Ok(Self::Gzip(MultiGzDecoder::new(reader))),
            ".xz" => xz(Stream::new_stream_decoder(memory_max, CONCATENATED), reader),
            ".lzma" => xz(Stream::new_lzma_decoder(memory_max), reader),
            ".zst" => {
                let mut decoder = zstd::stream::read::Decoder::new(reader).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
                Ok(Self::Zstd(decoder))
            }
            _ => Err(PackageError::Compression { member: member.name.clone() }),
        }
    }
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}
