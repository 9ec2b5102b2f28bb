//! Blobs in an object store that speaks the protocol of S3.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt as _, WriteMultipart,
};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{BlobBytes, OWNER, OWNER_BYTES_MAX, StorageError, StorageKey};
use crate::staging::StagedBlob;

/// Bytes of one part of an upload. The protocol wants 5 MiB at least and 10,000 parts at most, which makes 78 GiB.
const PART_BYTES: usize = 8 << 20;
/// Parts of one blob that are on their way at once, which bounds memory.
const PARTS_WAITING_MAX: usize = 2;

/// Blobs that are written at once; others wait, so that memory is bounded by this times the parts of one.
const WRITERS_MAX: usize = 16;

/// A prefix in an object store.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    writers: Arc<Semaphore>,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: Path::from(prefix), writers: Arc::new(Semaphore::new(WRITERS_MAX)) }
    }

    /// Notes an owner where there is none. Of two that come at once, the first sees later that the second won.
    pub(super) async fn claim(&self, owner: &str) -> Result<(), StorageError> {
        if self.owner().await?.is_none() {
            let put = self.store.put(&self.owner_path(), owner.to_owned().into()).await;
            put.map_err(self.failed("write", OWNER))?;
        }
        Ok(())
    }

    /// Does once what the registry does all the time, with an object of this name.
    pub(super) async fn probe(&self, name: &str) -> Result<(), StorageError> {
        let path = Path::from(format!("{}/{name}", self.prefix));
        self.store.put(&path, name.to_owned().into()).await.map_err(self.failed("write", name))?;
        let found = self.store.get(&path).await.map_err(self.failed("read", name))?;
        found.bytes().await.map_err(self.failed("read", name))?;
        let listed = self.store.list(Some(&self.prefix)).try_next().await;
        listed.map_err(self.failed("list", &self.prefix))?;
        self.store.delete(&path).await.map_err(self.failed("remove", name))
    }

    /// Returns the owner that is noted, if there is one.
    pub(super) async fn owner(&self) -> Result<Option<String>, StorageError> {
        let found = match self.store.get(&self.owner_path()).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(self.failed("read", OWNER))?,
        };
        if found.meta.size > OWNER_BYTES_MAX {
            return Ok(Some("somebody else".to_owned()));
        }
        let bytes = found.bytes().await.map_err(self.failed("read", OWNER))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn owner_path(&self) -> Path {
        Path::from(format!("{}/{OWNER}", self.prefix))
    }

    pub(super) fn place(&self) -> String {
        format!("`{}` in {}", self.prefix, self.store)
    }

    pub(super) async fn keep(&self, key: &StorageKey, staged: &StagedBlob) -> Result<(), StorageError> {
        let _writer = self.writers.acquire().await.expect("the semaphore is never closed");
        let path = self.path(key);
        let mut parts = Parts { file: Some(staged.reader()?.ok_or_else(|| unstaged(key))?) };
        let first = parts.next().await?;
        if staged.size_bytes() <= PART_BYTES as u64 {
            self.store.put(&path, first.into()).await.map_err(self.failed("write", key))?;
        } else {
            let upload = self.store.put_multipart(&path).await.map_err(self.failed("write", key))?;
            self.write(key, upload, first, parts).await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        key: &StorageKey,
        upload: Box<dyn MultipartUpload>,
        first: Bytes,
        mut parts: Parts,
    ) -> Result<(), StorageError> {
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut part = first;
        let sent = loop {
            if part.is_empty() {
                break Ok(());
            }
            writer.put(part);
            if let Err(error) = writer.wait_for_capacity(PARTS_WAITING_MAX).await {
                break Err(self.failed("write", key)(error));
            }
            part = match parts.next().await {
                Ok(next) => next,
                Err(error) => break Err(error),
            };
        };
        if let Err(error) = sent {
            // Parts that stay for the failure of this too are invisible; buckets have a rule that removes them.
            if let Err(error) = writer.abort().await {
                tracing::warn!(storage.key = %key, error = &error as &dyn std::error::Error, "parts of an upload stay");
            }
            return Err(error);
        }
        writer.finish().await.map(drop).map_err(self.failed("write", key))
    }

    pub(super) async fn read(&self, key: &StorageKey, part: Range<u64>) -> Result<BlobBytes, StorageError> {
        if part.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let mut left = part.end - part.start;
        let options = GetOptions { range: Some(GetRange::Bounded(part)), ..GetOptions::default() };
        let found = self.store.get_opts(&self.path(key), options).await.map_err(|error| match error {
            Error::NotFound { .. } => StorageError::Missing(key.clone()),
            error => self.failed("read", key)(error),
        })?;
        let pieces = found.into_stream().map_err(io::Error::other);
        // An end too early would look like a whole blob to who does not count.
        let pieces = pieces.map(Some).chain(stream::once(async { None })).map(move |piece| match piece {
            Some(piece) => {
                let piece: Bytes = piece?;
                left = left.saturating_sub(piece.len() as u64);
                Ok(piece)
            }
            None if left == 0 => Ok(Bytes::new()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        });
        Ok(pieces.try_filter(|piece| std::future::ready(!piece.is_empty())).boxed())
    }

    pub(super) async fn remove(&self, key: &StorageKey) -> Result<bool, StorageError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("remove", key)(error)),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<(StorageKey, u64)>, StorageError> {
        let failed = |source| StorageError::Object {
            action: "list",
            key: self.prefix.to_string(),
            store: self.store.to_string(),
            source: Box::new(source),
        };
        let listed = self.store.list(Some(&self.prefix)).map_err(failed);
        let keys = listed.try_filter_map(async |object| {
            let name = object.location.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or_default();
            let key = StorageKey::parse(name.trim_start_matches('/'));
            Ok(key.map(|key| (key, object.size)))
        });
        keys.try_collect().await
    }

    fn path(&self, key: &StorageKey) -> Path {
        // A key holds nothing that a path would write otherwise.
        Path::from(format!("{}/{key}", self.prefix))
    }

    fn failed<K: ToString + ?Sized>(
        &self,
        action: &'static str,
        key: &K,
    ) -> impl Fn(Error) -> StorageError + use<K> {
        let (key, store) = (key.to_string(), self.store.to_string());
        move |source| {
            let (key, store) = (key.clone(), store.clone());
            StorageError::Object { action, key, store, source: Box::new(source) }
        }
    }
}

/// A staged file in parts, read on blocking threads.
struct Parts {
    /// Gone while it is read.
    file: Option<File>,
}

impl Parts {
    /// Returns the next part; an empty one is the end.
    async fn next(&mut self) -> Result<Bytes, StorageError> {
        let Some(file) = self.file.take() else { return Ok(Bytes::new()) };
        let read = spawn_blocking(move || {
            let mut reader = &file;
            let left = file.metadata()?.len().saturating_sub(reader.stream_position()?);
            let part_bytes = usize::try_from(left).map_or(PART_BYTES, |left| left.min(PART_BYTES));
            let mut bytes = BytesMut::zeroed(part_bytes);
            let mut size = 0;
            while size < part_bytes {
                match reader.read(&mut bytes[size..])? {
                    0 => break,
                    count => size += count,
                }
            }
            bytes.truncate(size);
            Ok((bytes.freeze(), file))
        });
        let (bytes, file) =
            read.await.map_err(io::Error::from).flatten().map_err(StorageError::Interrupted)?;
        self.file = Some(file);
        Ok(bytes)
    }
}

fn unstaged(key: &StorageKey) -> StorageError {
    StorageError::Unstaged(key.upload().to_owned())
}
