//! Joining segments to one layer blob: compressed bytes are passed on as they are, and only hashed.
//!
//! Every client reads a chain of gzip members or zstd frames as one stream. The diff id is a digest of the
//! uncompressed archive, so each segment is also decompressed once on its way.

use std::io::{self, Read, Write};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use temper_oci::{Compression, Digest, DigestHasher};

use crate::encoder::{Decoder, Encoder, Measured};
use crate::mismatch::Mismatch;
use crate::segment::SegmentRecord;
use crate::tar_header;

const COPY_BYTES: usize = 64 * 1024;

/// What is known of a written layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Digest of the blob.
    pub digest: Digest,
    /// Length of the blob in bytes.
    pub size_bytes: u64,
    /// Digest of the uncompressed archive.
    pub diff_id: Digest,
    /// Length of the uncompressed archive in bytes.
    pub uncompressed_size_bytes: u64,
    /// Form of the blob.
    pub compression: Compression,
}

/// Why segments could not be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The output failed.
    #[error("the layer cannot be written")]
    Output(#[source] io::Error),
    /// A stored segment cannot be read.
    #[error("segment {key} cannot be read")]
    Segment {
        /// Its key.
        key: Digest,
        /// Why.
        source: io::Error,
    },
    /// A stored segment is not what its record says.
    #[error("segment {key} has {digests}")]
    Differs {
        /// Its key.
        key: Digest,
        /// Digest of the record and of what was read.
        digests: Box<Mismatch>,
    },
    /// A stored segment holds an archive part of another length.
    #[error("segment {key} holds {found} bytes uncompressed, expected {expected}")]
    Length {
        /// Its key.
        key: Digest,
        /// Length that the record names.
        expected: u64,
        /// Length of what came out.
        found: u64,
    },
}

/// Joins segments to one layer blob.
pub struct LayerWriter<W: Write> {
    compression: Compression,
    out: Measured<W>,
    archive: DigestHasher,
    archive_bytes: u64,
}

impl<W: Write> LayerWriter<W> {
    /// Starts a layer; all its segments must have this compression.
    pub fn new(compression: Compression, out: W) -> Self {
        Self { compression, out: Measured::new(out), archive: DigestHasher::sha256(), archive_bytes: 0 }
    }

    /// Adds a stored segment; after an error the output is of no use.
    pub fn append(&mut self, record: &SegmentRecord, mut segment: impl Read) -> Result<(), JoinError> {
        let key = record.key;
        let failed = |source| JoinError::Segment { key, source };
        let archive = std::mem::replace(&mut self.archive, DigestHasher::sha256());
        let mut decoder = Decoder::new(self.compression, archive).map_err(failed)?;
        let mut digest = DigestHasher::sha256();
        let mut block = vec![0; COPY_BYTES];
        loop {
            let size = match segment.read(&mut block) {
                Ok(0) => break,
                Ok(size) => size,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            digest.update(&block[..size]);
            decoder.write_all(&block[..size]).map_err(failed)?;
            self.out.write_all(&block[..size]).map_err(JoinError::Output)?;
        }
        let (expected, found) = (record.digest, digest.finish());
        if expected != found {
            return Err(JoinError::Differs { key, digests: Box::new(Mismatch { expected, found }) });
        }
        let (archive, found) = decoder.finish().map_err(failed)?;
        let expected = record.uncompressed_size_bytes;
        if expected != found {
            return Err(JoinError::Length { key, expected, found });
        }
        self.archive = archive;
        self.archive_bytes += found;
        Ok(())
    }

    /// Ends the archive; its two zero blocks are a segment of their own.
    pub fn finish(mut self) -> Result<(LayerRecord, W), JoinError> {
        let end = [0; 2 * tar_header::BLOCK_BYTES];
        let write_end = || -> io::Result<Vec<u8>> {
            let mut encoder = Encoder::new(self.compression, NonZeroU32::MIN, Vec::new())?;
            encoder.write_all(&end)?;
            encoder.finish().map(|(compressed, _)| compressed)
        };
        let compressed = write_end().map_err(JoinError::Output)?;
        self.out.write_all(&compressed).map_err(JoinError::Output)?;
        self.out.flush().map_err(JoinError::Output)?;
        self.archive.update(&end);
        let (out, digest, size_bytes) = self.out.finish();
        let record = LayerRecord {
            digest,
            size_bytes,
            diff_id: self.archive.finish(),
            uncompressed_size_bytes: self.archive_bytes + end.len() as u64,
            compression: self.compression,
        };
        Ok((record, out))
    }
}

/// Why an archive could not be written in another form.
#[derive(Debug, thiserror::Error)]
pub enum RecompressError {
    /// The output failed.
    #[error("the layer cannot be written")]
    Output(#[source] io::Error),
    /// The archive failed.
    #[error("the layer cannot be read")]
    Archive(#[source] io::Error),
}

/// Writes an uncompressed archive as it is as one gzip member or zstd frame; its diff id stays.
pub fn recompress<W: Write>(
    mut archive: impl Read,
    compression: Compression,
    out: W,
) -> Result<(LayerRecord, W), RecompressError> {
    let output = RecompressError::Output;
    let encoder = Encoder::new(compression, NonZeroU32::MIN, Measured::new(out)).map_err(output)?;
    let mut encoder = Measured::new(encoder);
    let mut block = vec![0; COPY_BYTES];
    loop {
        match archive.read(&mut block) {
            Ok(0) => break,
            Ok(size) => encoder.write_all(&block[..size]).map_err(output)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(RecompressError::Archive(error)),
        }
    }
    let (encoder, diff_id, uncompressed_size_bytes) = encoder.finish();
    let (out, _) = encoder.finish().map_err(output)?;
    let (mut out, digest, size_bytes) = out.finish();
    out.flush().map_err(output)?;
    Ok((LayerRecord { digest, size_bytes, diff_id, uncompressed_size_bytes, compression }, out))
}
