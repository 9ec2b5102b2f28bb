//! The registry's state, shared by all requests and by callers inside the process.

use std::fmt;
use std::sync::Arc;

use temper_store::blobs::Blobs;
use temper_store::records::{Micros, Repositories};
use tokio::sync::broadcast;

use crate::access::Access;
use crate::error::RegistryError;
use crate::events::{Author, Event, Events};
use crate::limits::Limits;
use crate::manifests::publish::{self, Push};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;
use crate::uploads::Uploads;

/// Tells the time in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// What a registry is made of.
#[derive(Clone)]
pub struct RegistryConfig {
    /// What is visible where.
    pub repositories: Repositories,
    /// The bytes.
    pub blobs: Blobs,
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
        let uploads = Uploads::new(config.limits.clone());
        Self(Arc::new(Inner { config, uploads, events: Events::new() }))
    }

    /// Puts manifests and tags into a repository without HTTP, all in one transaction.
    ///
    /// The same checks and events as for a client's push; the bytes of `push.blobs` are already in the blob
    /// store. No rights are asked, the rules of the repository hold: the
    /// caller is the program itself.
    pub async fn push(&self, repository: &RepositoryName, push: Push) -> Result<(), RegistryError> {
        publish::publish(self, repository, &Author::PROGRAM, push).await.map(drop)
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

    /// Returns the store of bytes.
    pub fn blobs(&self) -> &Blobs {
        &self.0.config.blobs
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
