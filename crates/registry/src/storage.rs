//! The blob store as the server uses it: every call that may wait for a disk runs on a blocking thread.

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use temper_oci::Digest;
use temper_store::blobs::{BlobError, BlobWriter, Blobs};
use tokio::task::spawn_blocking;

use crate::error::RegistryError;
use crate::uploads::Writing;

/// Bytes that one read of a blob fetches: large enough for the disk, small enough for many readers at once.
const READ_BYTES: usize = 256 << 10;

/// A blob that is being written.
pub(crate) struct Staged {
    /// Gone when the blob was committed.
    writer: Option<BlobWriter>,
}

impl Staged {
    /// Begins an empty blob.
    pub(crate) async fn create(blobs: &Blobs) -> Result<Self, RegistryError> {
        let blobs = blobs.clone();
        blocking(move || blobs.create()).await.map(|writer| Self { writer: Some(writer) })
    }

    /// Returns how many bytes were written.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, BlobWriter::size_bytes)
    }

    /// Adds bytes; waits for the disk.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        let writer = self.writer.as_mut().ok_or(RegistryError::UploadEnded)?;
        writer.write_all(bytes).map_err(RegistryError::Read)
    }
}

/// Makes a staged blob permanent under its digest and returns its size in bytes.
pub(crate) async fn commit(mut writing: Writing, expected: Digest) -> Result<u64, RegistryError> {
    let writer = writing.writer.take().ok_or(RegistryError::UploadEnded)?;
    blocking(move || writer.commit(Some(expected))).await.map(|(_, size_bytes)| size_bytes)
}

/// Keeps bytes of a known digest.
pub(crate) async fn put(blobs: &Blobs, digest: Digest, bytes: Bytes) -> Result<(), RegistryError> {
    let mut staged = Staged::create(blobs).await?;
    let mut writer = staged.writer.take().ok_or(RegistryError::UploadEnded)?;
    let written = spawn_blocking(move || writer.write_all(&bytes).map(|()| writer));
    let writer = written.await.map_err(io::Error::from).flatten().map_err(RegistryError::Read)?;
    blocking(move || writer.commit(Some(digest))).await.map(drop)
}

/// Reads a blob that is known to be small.
pub(crate) async fn read(blobs: &Blobs, digest: Digest, size_bytes: u64) -> Result<Bytes, RegistryError> {
    let blobs = blobs.clone();
    blocking(move || blobs.read(&digest, size_bytes)).await.map(Bytes::from)
}

/// Opens a part of a blob and streams it.
pub(crate) async fn stream_part(
    blobs: &Blobs,
    digest: Digest,
    part: Range<u64>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, RegistryError> {
    let blobs = blobs.clone();
    let mut file = blocking(move || blobs.open_blob(&digest)).await?;
    // Moving in an open file does not wait for the disk.
    file.seek(SeekFrom::Start(part.start)).map_err(RegistryError::Read)?;
    Ok(stream(file.take(part.end - part.start)))
}

/// Streams what a reader gives, read on blocking threads.
fn stream<R: Read + Send + 'static>(reader: R) -> impl Stream<Item = io::Result<Bytes>> + Send {
    try_unfold(reader, async |mut reader| {
        let read = spawn_blocking(move || {
            let mut bytes = BytesMut::zeroed(READ_BYTES);
            let count = reader.read(&mut bytes)?;
            bytes.truncate(count);
            Ok::<_, io::Error>((bytes.freeze(), reader))
        });
        let (bytes, reader) = read.await??;
        Ok::<_, io::Error>((!bytes.is_empty()).then_some((bytes, reader)))
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, RegistryError> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| match error {
            BlobError::Digest { expected, actual } => RegistryError::DigestMismatch { expected, actual },
            error => RegistryError::Blobs(error),
        }),
        Err(stopped) => Err(RegistryError::Read(stopped.into())),
    }
}
