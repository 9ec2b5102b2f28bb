//! What composition asks of a disk: the blob store, the cache, and layouts as sources and destinations.

use std::io::{self, Read, Write};

use temper_compose::{BlobStore, BlobWriter as ComposeBlobWriter};
use temper_oci::Digest;

use crate::blobs::{BlobWriter, Blobs};
use crate::cache::Cache;

mod layout;

pub use layout::{LayoutDestination, StoredImage, StoredImageError};

impl BlobStore for Blobs {
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>> {
        Ok(self.contains(digest))
    }

    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.open_blob(digest).map_err(io::Error::other)?))
    }

    fn create(&self) -> io::Result<Box<dyn ComposeBlobWriter>> {
        Ok(Box::new(Writer(Self::create(self).map_err(io::Error::other)?)))
    }
}

/// A blob on its way to the disk; a box of its own because committing consumes it.
struct Writer(BlobWriter);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl ComposeBlobWriter for Writer {
    fn commit(self: Box<Self>, expected: Option<&Digest>) -> io::Result<(Digest, u64)> {
        self.0.commit(expected.copied()).map_err(io::Error::other)
    }
}

impl temper_compose::Cache for Cache {
    fn get(&self, kind: &str, key: &Digest) -> Option<Vec<u8>> {
        Self::get(self, kind, key)
    }

    fn put(&self, kind: &str, key: &Digest, value: &[u8]) -> io::Result<()> {
        Self::put(self, kind, key, value).map_err(io::Error::other)
    }
}
