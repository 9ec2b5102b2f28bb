//! The compressors of the layer writer, driven so that equal input gives equal bytes.
//!
//! Two things would make the bytes depend on the machine: zstd's single-threaded path writes other frames than its
//! multi-threaded one, and the gzip encoder's output depends on the sizes of the writes it gets. So zstd always runs
//! with at least one worker (the number is then free), and both are fed in blocks of one fixed size.

use std::io::{self, Write};
use std::num::NonZeroU32;

use temper_oci::{Compression, Digest, DigestHasher};

/// How much an encoder gets at a time, in bytes; only the last block is shorter.
const BLOCK_BYTES: usize = 64 * 1024;

/// Level of zstd: better ratio than gzip 6 at three times its speed.
const ZSTD_LEVEL: i32 = 3;

/// Level of gzip.
const GZIP_LEVEL: u32 = 6;

/// Compresses what is written to it into one gzip member or zstd frame.
pub(crate) struct Encoder<W: Write> {
    inner: Inner<W>,
    block: Vec<u8>,
    input_bytes: u64,
}

enum Inner<W: Write> {
    None(W),
    Gzip(flate2::write::GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// Starts a member or frame. `workers` changes the speed of zstd, never its bytes.
    pub(crate) fn new(compression: Compression, workers: NonZeroU32, out: W) -> io::Result<Self> {
        let inner = match compression {
            Compression::None => Inner::None(out),
            Compression::Gzip => {
                Inner::Gzip(flate2::write::GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL)))
            }
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.multithread(workers.get())?;
                Inner::Zstd(encoder)
            }
        };
        Ok(Self { inner, block: Vec::with_capacity(BLOCK_BYTES), input_bytes: 0 })
    }

    /// Ends the member or frame; returns the output and the number of bytes that went in.
    pub(crate) fn finish(mut self) -> io::Result<(W, u64)> {
        if !self.block.is_empty() {
            self.pass_block()?;
        }
        let out = match self.inner {
            Inner::None(out) => out,
            Inner::Gzip(encoder) => encoder.finish()?,
            Inner::Zstd(encoder) => encoder.finish()?,
        };
        Ok((out, self.input_bytes))
    }

    fn pass_block(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::None(out) => out.write_all(&self.block)?,
            Inner::Gzip(encoder) => encoder.write_all(&self.block)?,
            Inner::Zstd(encoder) => encoder.write_all(&self.block)?,
        }
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == BLOCK_BYTES {
            self.pass_block()?;
        }
        self.input_bytes += taken as u64;
        Ok(taken)
    }

    /// Does nothing: a flush in the middle would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decompresses one member or frame that is written to it and digests the result.
pub(crate) enum Decoder {
    None(Box<Measured<io::Sink>>),
    Gzip(Box<flate2::write::GzDecoder<Measured<io::Sink>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Measured<io::Sink>>>),
}

impl Decoder {
    /// Starts a member or frame whose content continues what `hasher` has seen.
    pub(crate) fn new(compression: Compression, hasher: DigestHasher) -> io::Result<Self> {
        let content = Measured { out: io::sink(), hasher, size_bytes: 0 };
        Ok(match compression {
            Compression::None => Self::None(Box::new(content)),
            Compression::Gzip => Self::Gzip(Box::new(flate2::write::GzDecoder::new(content))),
            Compression::Zstd => Self::Zstd(Box::new(zstd::stream::write::Decoder::new(content)?)),
        })
    }

    /// Ends the member or frame; returns the hasher and the number of bytes that came out.
    pub(crate) fn finish(self) -> io::Result<(DigestHasher, u64)> {
        let content = match self {
            Self::None(content) => *content,
            Self::Gzip(decoder) => decoder.finish()?,
            Self::Zstd(mut decoder) => {
                decoder.flush()?;
                decoder.into_inner()
            }
        };
        Ok((content.hasher, content.size_bytes))
    }
}

impl Write for Decoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(content) => content.write(bytes),
            Self::Gzip(decoder) => decoder.write(bytes),
            Self::Zstd(decoder) => decoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes bytes on and keeps their digest and number.
pub(crate) struct Measured<W> {
    out: W,
    hasher: DigestHasher,
    size_bytes: u64,
}

impl<W: Write> Measured<W> {
    /// Starts with nothing written.
    pub(crate) fn new(out: W) -> Self {
        Self { out, hasher: DigestHasher::sha256(), size_bytes: 0 }
    }

    /// Returns the output with digest and number of what was written.
    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.out, self.hasher.finish(), self.size_bytes)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
