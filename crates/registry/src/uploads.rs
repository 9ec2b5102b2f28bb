//! Uploads: blobs that arrive in one or more requests.
//!
//! An upload is a staged blob under an id; it lives as long as the process. What it holds is written and hashed
//! on blocking threads, piece by piece, so memory stays flat however large the blob is.

mod append;
pub(crate) mod cancel;
pub(crate) mod finish;
pub(crate) mod patch;
pub(crate) mod start;
pub(crate) mod status;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use temper_store::records::Micros;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::RegistryError;
use crate::limits::Limits;
use crate::name::RepositoryName;
use crate::storage::Staged;

/// The open uploads.
pub(crate) struct Uploads {
    open: Mutex<BTreeMap<String, Arc<Upload>>>,
    limits: Limits,
}

/// One open upload.
pub(crate) struct Upload {
    id: String,
    repository: RepositoryName,
    /// Held by the request that writes, also while a blocking thread does so for it. A request that is dropped
    /// in the middle leaves the bytes that were written and their count in agreement.
    staged: Arc<AsyncMutex<Staged>>,
    touched_at: AtomicI64,
}

/// The right to write to an upload.
pub(crate) type Writing = OwnedMutexGuard<Staged>;

impl Uploads {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { open: Mutex::new(BTreeMap::new()), limits }
    }

    /// Opens an upload, after dropping those that were silent for too long.
    pub(crate) fn open(
        &self,
        repository: &RepositoryName,
        staged: Staged,
        at: Micros,
    ) -> Result<Arc<Upload>, RegistryError> {
        let mut open = self.lock();
        let idle_max = i64::try_from(self.limits.upload_idle_max.as_micros()).unwrap_or(i64::MAX);
        open.retain(|_, upload| {
            at.saturating_sub(upload.touched_at.load(Ordering::Relaxed)) <= idle_max
                || upload.staged.try_lock().is_err()
        });
        if open.len() >= self.limits.uploads_max {
            return Err(RegistryError::TooManyUploads(self.limits.uploads_max));
        }
        let upload = Arc::new(Upload {
            id: new_id(),
            repository: repository.clone(),
            staged: Arc::new(AsyncMutex::new(staged)),
            touched_at: AtomicI64::new(at),
        });
        open.insert(upload.id.clone(), Arc::clone(&upload));
        Ok(upload)
    }

    /// Returns an open upload of the repository.
    pub(crate) fn get(
        &self,
        repository: &RepositoryName,
        id: &str,
        at: Micros,
    ) -> Result<Arc<Upload>, RegistryError> {
        let upload = self.lock().get(id).filter(|upload| upload.repository == *repository).cloned();
        let upload = upload.ok_or_else(|| RegistryError::UploadUnknown(id.to_owned()))?;
        upload.touched_at.store(at, Ordering::Relaxed);
        Ok(upload)
    }

    /// Forgets an upload; its bytes go with the last request that uses it.
    pub(crate) fn close(&self, upload: &Upload) {
        self.lock().remove(&upload.id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Upload>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// Takes the right to write; only one request at a time has it.
    fn write(&self) -> Result<Writing, RegistryError> {
        Arc::clone(&self.staged).try_lock_owned().map_err(|_| RegistryError::UploadBusy(self.id.clone()))
    }

    /// Returns the path of the upload, relative to the host, so that it holds behind every proxy.
    fn location(&self) -> String {
        format!("/v2/{}/blobs/uploads/{}", self.repository, self.id)
    }
}

/// Makes an id that nobody guesses; who may write to the repository is checked besides.
fn new_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
