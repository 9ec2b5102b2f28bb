//! The registry's state, shared by all requests and by callers inside the process.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use temper_oci::Digest;
use temper_store::records::{Micros, Quota, Repositories};
use temper_store::staging::Staging;
use temper_store::storage::Storage;
use tokio::sync::broadcast;

use crate::access::Access;
use crate::error::RegistryError;
use crate::events::{Author, Event, Events};
use crate::limits::Limits;
use crate::manifests::delete;
use crate::manifests::publish::{self, Push};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;
use crate::storage;
use crate::uploads::{self, Uploads};

/// Tells the time in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// What a registry is made of.
#[derive(Clone)]
pub struct RegistryConfig {
    /// What is visible where.
    pub repositories: Repositories,
    /// The bytes of blobs.
    pub storage: Storage,
    /// Where blobs arrive.
    pub staging: Staging,
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// The clock.
    pub clock: Clock,
    /// Bounds of what clients send.
    pub limits: Limits,
}

/// The registry; clones share one state.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    config: RegistryConfig,
    uploads: Uploads,
    events: Events,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("limits", &self.0.config.limits).finish_non_exhaustive()
    }
}

impl Registry {
    /// Makes a registry without open uploads.
    pub fn new(config: RegistryConfig) -> Self {
        let uploads = Uploads::default();
        Self(Arc::new(Inner { config, uploads, events: Events::new() }))
    }

    /// Puts manifests and tags into a repository without HTTP, all in one transaction.
    ///
    /// The same checks and events as for a client's push, so the blobs are put first. No rights are asked: the
    /// caller is the program itself.
    pub async fn push(&self, repository: &RepositoryName, push: Push) -> Result<(), RegistryError> {
        publish::publish(self, repository, &Author::PROGRAM, push).await.map(drop)
    }

    /// Puts a blob into a repository without HTTP, from a file whose digest was checked.
    ///
    /// The file is not copied where the storage is on the same file system; it must not be written to afterwards.
    pub async fn put_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        file: &Path,
    ) -> Result<(), RegistryError> {
        let quotas = self.quotas(repository).await?;
        let at = self.now();
        if self.repositories().link_blob(repository.as_str(), digest, None, &quotas, at).await?.is_some() {
            return Ok(());
        }
        let upload = uploads::begin(self, repository).await?;
        let (id, file) = (upload.clone(), file.to_owned());
        // A damaged blob may be damaged because it is the same file.
        let is_damaged = self.repositories().has_damaged_blob(digest).await?;
        let adopt = move |staging: &Staging| {
            let staged = staging.adopt(&id, digest, &file)?;
            if is_damaged { staged.verify_again(digest).map(|()| staged) } else { Ok(staged) }
        };
        let kept = match storage::staging(self, adopt).await {
            Ok(staged) => storage::keep(self, repository, &upload, &staged, (digest, &quotas)).await,
            Err(error) => Err(error),
        };
        if kept.is_err() {
            storage::discard(self, &upload).await?;
        }
        kept.map(drop)
    }

    /// Removes a tag without HTTP, and says whether it was there; its manifest stays. An immutable one stays.
    pub async fn remove_tag(&self, repository: &RepositoryName, tag: &str) -> Result<bool, RegistryError> {
        let immutable = self.policy(repository).await?.immutable_tags;
        delete::remove_tag(self, repository, &Author::PROGRAM, tag, &immutable).await
    }

    /// Watches changes from now on. A watcher that is too slow is told that it lost some, and reads the records.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Returns the rules of a repository.
    pub async fn policy(&self, repository: &RepositoryName) -> Result<RepositoryPolicy, RegistryError> {
        Ok(self.access().policy(repository).await?)
    }

    /// Returns what is visible where.
    pub fn repositories(&self) -> &Repositories {
        &self.0.config.repositories
    }

    /// Returns where the bytes of blobs are.
    pub fn storage(&self) -> &Storage {
        &self.0.config.storage
    }

    pub(crate) fn staging(&self) -> &Staging {
        &self.0.config.staging
    }

    pub(crate) async fn quotas(&self, repository: &RepositoryName) -> Result<Vec<Quota>, RegistryError> {
        Ok(self.policy(repository).await?.quotas(repository))
    }

    pub(crate) fn access(&self) -> &dyn Access {
        self.0.config.access.as_ref()
    }

    pub(crate) fn now(&self) -> Micros {
        (self.0.config.clock)()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    pub(crate) fn events(&self) -> &Events {
        &self.0.events
    }
}
