//! Uploads: blobs that arrive in one or more requests.
//!
//! An upload is a staged file and a row of the records, so it outlives the process: a client asks how far it is and
//! goes on. What arrives is written and hashed on blocking threads, piece by piece, so memory stays flat however large
//! the blob is.

pub(crate) mod append;
pub(crate) mod cancel;
pub(crate) mod finish;
pub(crate) mod patch;
mod sharing;
pub(crate) mod start;
pub(crate) mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use temper_store::blobs::BlobError;
use temper_store::records::{Micros, Quota, RecordsError};
use temper_store::staging::{StagedBlob, Staging};
use temper_store::storage::{StorageError, StorageKey};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use self::sharing::Sharing;
use crate::error::RegistryError;
use crate::limits::micros;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::storage;

/// The uploads that this process has open files of; the records know all.
#[derive(Default)]
pub(crate) struct Uploads {
    open: Mutex<BTreeMap<String, Arc<Upload>>>,
    sharers: Arc<AtomicUsize>,
}

/// One open upload.
pub(crate) struct Upload {
    id: String,
    repository: RepositoryName,
    /// Held by the request that writes, also while a blocking thread does so for it. A request that is dropped
    /// in the middle leaves the bytes that were written and their count in agreement.
    staged: Arc<AsyncMutex<StagedBlob>>,
    /// How much has arrived, also for those who do not write.
    arrived_bytes: Arc<AtomicU64>,
    /// When the records last learnt that the upload is in use.
    touched_at: AtomicI64,
    quotas: Vec<Quota>,
}

/// The right to write to an upload.
pub(crate) type Writing = OwnedMutexGuard<StagedBlob>;

impl Uploads {
    /// Opens an upload.
    pub(crate) async fn open(
        registry: &Registry,
        repository: &RepositoryName,
    ) -> Result<Arc<Upload>, RegistryError> {
        let quotas = registry.quotas(repository).await?;
        let id = begin(registry, repository).await?;
        let name = id.clone();
        let staged = storage::staging(registry, move |staging| staging.create(&name)).await?;
        let upload = Upload::new(registry, id, repository, staged, quotas);
        Ok(registry.uploads().add(upload, micros(registry.limits().upload_idle_max)))
    }

    /// Returns an open upload of the repository, also one that an earlier process began.
    pub(crate) async fn get(
        registry: &Registry,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<Arc<Upload>, RegistryError> {
        let unknown = || RegistryError::UploadUnknown(id.to_owned());
        let found = registry.uploads().lock().get(id).cloned();
        let upload = match found {
            Some(upload) if upload.repository == *repository => upload,
            Some(_) => return Err(unknown()),
            None => resume(registry, repository, id).await?.ok_or_else(unknown)?,
        };
        upload.touch(registry).await?;
        Ok(upload)
    }

    /// Counts a body among those that share memory, until what is returned is dropped.
    fn share(&self, all_bytes: usize) -> Sharing {
        Sharing::begin(&self.sharers, all_bytes)
    }

    /// Forgets an upload's file; it goes with the last request that uses it.
    pub(crate) fn close(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Keeps an upload's file open, unless another request was first; drops those that were silent for too long.
    fn add(&self, upload: Upload, idle_max: Micros) -> Arc<Upload> {
        let (at, id) = (upload.touched_at.load(Ordering::Relaxed), upload.id.clone());
        let mut open = self.lock();
        open.retain(|_, other| {
            at.saturating_sub(other.touched_at.load(Ordering::Relaxed)) <= idle_max
                || other.staged.try_lock().is_err()
        });
        Arc::clone(open.entry(id).or_insert_with(|| Arc::new(upload)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Upload>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    fn new(
        registry: &Registry,
        id: String,
        repository: &RepositoryName,
        staged: StagedBlob,
        quotas: Vec<Quota>,
    ) -> Self {
        let touched_at = AtomicI64::new(registry.now());
        let arrived_bytes = Arc::new(AtomicU64::new(staged.size_bytes()));
        let staged = Arc::new(AsyncMutex::new(staged));
        Self { id, repository: repository.clone(), staged, arrived_bytes, touched_at, quotas }
    }

    /// Takes the right to write; only one request at a time has it.
    fn write(&self) -> Result<Writing, RegistryError> {
        Arc::clone(&self.staged).try_lock_owned().map_err(|_| RegistryError::UploadBusy(self.id.clone()))
    }

    /// Tells the records from time to time that the upload is in use, so that it does not expire; says whether it
    /// did so now.
    async fn touch(&self, registry: &Registry) -> Result<bool, RegistryError> {
        let idle = registry.now().saturating_sub(self.touched_at.load(Ordering::Relaxed));
        if idle < micros(registry.limits().touch_interval) {
            return Ok(false);
        }
        self.note(registry).await?;
        Ok(true)
    }

    /// Tells the records that the upload is in use, and how much has arrived.
    async fn note(&self, registry: &Registry) -> Result<(), RegistryError> {
        let (at, size_bytes) = (registry.now(), self.arrived_bytes.load(Ordering::Relaxed));
        if !registry.repositories().touch_upload(&self.id, size_bytes, at).await? {
            registry.uploads().close(&self.id);
            return Err(RegistryError::UploadUnknown(self.id.clone()));
        }
        self.touched_at.store(at, Ordering::Relaxed);
        Ok(())
    }

    /// Lets quotas know how much waits here for the next request.
    async fn rest(&self, registry: &Registry) -> Result<(), RegistryError> {
        if self.quotas.is_empty() { Ok(()) } else { self.note(registry).await }
    }

    /// Returns how many bytes the upload may have, or the quota into which `size_bytes` do not fit.
    ///
    /// Where other uploads are in the way, those that no client is writing to are given up, the longest idle first.
    async fn room(&self, registry: &Registry, size_bytes: u64) -> Result<u64, RegistryError> {
        let repositories = registry.repositories();
        loop {
            let full = match repositories.room(&self.quotas, &self.id, size_bytes).await {
                Err(full @ RecordsError::Quota { staged_bytes: 1.., .. }) => full,
                room => return Ok(room?),
            };
            let before = registry.now().saturating_sub(micros(registry.limits().body_silence_max));
            let mut idle = BTreeSet::new();
            for quota in &self.quotas {
                idle.extend(repositories.list_staged_uploads(&quota.scope, before).await?.into_iter().next());
            }
            idle.remove(&self.id);
            if idle.is_empty() {
                return Err(full.into());
            }
            for id in idle {
                give_up(registry, &id).await?;
            }
        }
    }

    /// Returns the path of the upload, relative to the host, so that it holds behind every proxy.
    fn location(&self) -> String {
        format!("/v2/{}/blobs/uploads/{}", self.repository, self.id)
    }
}

/// Notes a new upload before there is any byte of it, and returns its id.
///
/// Where too many are open, one that was silent for a while is given up for it.
pub(crate) async fn begin(registry: &Registry, repository: &RepositoryName) -> Result<String, RegistryError> {
    // Who may write to the repository is checked besides, by every request.
    let (id, at, limits) = (storage::random_id()?, registry.now(), registry.limits());
    let own = registry.repositories().list_uploads(Some(repository.as_str()), Micros::MAX).await?;
    if own.len() >= limits.repository_uploads_max && !give_up_one(registry, Some(repository)).await? {
        return Err(RegistryError::TooManyUploads(limits.repository_uploads_max));
    }
    let add =
        async || registry.repositories().add_upload(&id, repository.as_str(), limits.uploads_max, at).await;
    if !add().await? {
        crate::collect::expire_uploads(registry, limits.upload_idle_max).await?;
        let is_added = add().await? || (give_up_one(registry, None).await? && add().await?);
        if !is_added {
            return Err(RegistryError::TooManyUploads(limits.uploads_max));
        }
    }
    Ok(id)
}

/// Gives up an upload of a repository, or of all: the longest idle of those that are empty, else the longest idle.
async fn give_up_one(
    registry: &Registry,
    repository: Option<&RepositoryName>,
) -> Result<bool, RegistryError> {
    let before = registry.now().saturating_sub(micros(registry.limits().upload_idle_min));
    let repository = repository.map(RepositoryName::as_str);
    let idle = registry.repositories().list_uploads(repository, before).await?;
    let staged = storage::staging(registry, Staging::list).await?;
    let filled: BTreeSet<_> = staged.into_iter().filter(|(_, size)| *size > 0).map(|(id, _)| id).collect();
    let Some(id) = idle.iter().find(|id| !filled.contains(*id)).or_else(|| idle.first()) else {
        return Ok(false);
    };
    give_up(registry, id).await?;
    Ok(true)
}

async fn give_up(registry: &Registry, id: &str) -> Result<(), RegistryError> {
    registry.uploads().close(id);
    storage::discard(registry, id).await
}

/// Takes up an upload that the records know and this process does not.
async fn resume(
    registry: &Registry,
    repository: &RepositoryName,
    id: &str,
) -> Result<Option<Arc<Upload>>, RegistryError> {
    if !StorageKey::is_upload_id(id) {
        return Ok(None);
    }
    let record = registry.repositories().find_upload(id).await?;
    if record.is_none_or(|record| record.repository != repository.as_str()) {
        return Ok(None);
    }
    let name = id.to_owned();
    let resumed = match storage::staging(registry, move |staging| staging.resume(&name)).await {
        Err(RegistryError::Storage(StorageError::File(BlobError::Busy(_)))) => {
            // Another request of this process was faster, or another process has it still.
            let found = registry.uploads().lock().get(id).cloned();
            return found.map(Some).ok_or_else(|| RegistryError::UploadBusy(id.to_owned()));
        }
        resumed => resumed?,
    };
    // Where another server has the bytes, the upload is its own, and goes on there.
    let Some(staged) = resumed else { return Ok(None) };
    let quotas = registry.quotas(repository).await?;
    let upload = Upload::new(registry, id.to_owned(), repository, staged, quotas);
    Ok(Some(registry.uploads().add(upload, micros(registry.limits().upload_idle_max))))
}
