//! Where composition keeps bytes: blobs by digest, and derived values by key.

use std::io::{self, Read, Write};

use temper_oci::Digest;

/// Content by digest. What it gives back has been verified when it was written.
pub trait BlobStore: Send + Sync {
    /// Returns the size of a blob in bytes, or `None` where it is not kept.
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>>;

    /// Opens a blob for reading.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;

    /// Starts a new blob; it is visible only after [`BlobWriter::commit`].
    fn create(&self) -> io::Result<Box<dyn BlobWriter>>;

    /// Keeps these bytes and returns their digest.
    fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        if self.size(&digest)?.is_none() {
            let mut writer = self.create()?;
            writer.write_all(bytes)?;
            writer.commit(Some(&digest))?;
        }
        Ok(digest)
    }

    /// Reads a whole blob that is known to be small.
    ///
    /// # Errors
    ///
    /// Also fails for one of more than `size_bytes_max`.
    fn read(&self, digest: &Digest, size_bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(digest)?.take(size_bytes_max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > size_bytes_max {
            return Err(io::Error::other(format!("blob `{digest}` is larger than {size_bytes_max} bytes")));
        }
        Ok(bytes)
    }
}

/// A blob that is being written.
pub trait BlobWriter: Write + Send {
    /// Makes the blob visible and returns its digest and size.
    ///
    /// # Errors
    ///
    /// Fails, and keeps nothing, where the digest is not the expected one.
    fn commit(self: Box<Self>, expected: Option<&Digest>) -> io::Result<(Digest, u64)>;
}

/// Values that were computed before, by kind and by the digest of what they were computed from.
///
/// An entry that is missing, torn or of another version reads as absent: everything in it can be computed again.
pub trait Cache: Send + Sync {
    /// Returns a value, if it is kept.
    fn get(&self, kind: &str, key: &Digest) -> Option<Vec<u8>>;

    /// Keeps a value.
    fn put(&self, kind: &str, key: &Digest, value: &[u8]) -> io::Result<()>;
}
