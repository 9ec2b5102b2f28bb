//! The hub's state, shared by all requests and jobs.

use std::fmt;
use std::sync::Arc;

use temper_compose::{Archive, BlobStore, Cache};
use temper_store::records::{AuditEvent, Micros, Records};
use tokio::sync::watch;

use crate::caller::Caller;
use crate::images::{Images, Signers};
use crate::outside::Outside;
use crate::queue::Queue;
use crate::secrets::Secrets;

/// Tells the time in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// Makes bytes that nobody can guess.
pub type Random = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// What a hub works with.
#[derive(Clone)]
pub struct HubConfig {
    /// What it remembers.
    pub records: Records,
    /// The images of organizations, wherever they live.
    pub images: Arc<dyn Images>,
    /// Who signs what is built.
    pub signers: Arc<dyn Signers>,
    /// Who hashes passwords and makes access tokens.
    pub secrets: Arc<dyn Secrets>,
    /// Blobs that builds read and write.
    pub blobs: Arc<dyn BlobStore>,
    /// What builds computed before.
    pub cache: Arc<dyn Cache>,
    /// Signed package archives.
    pub archive: Arc<dyn Archive>,
    /// Whether what an image was built from is kept beside it.
    pub keep_inputs: bool,
    /// Catalogs, upstream registries, addresses of webhooks.
    pub outside: Outside,
    /// The clock.
    pub clock: Clock,
    /// Bytes that nobody can guess.
    pub random: Random,
}

/// The hub; clones share one state.
#[derive(Clone)]
pub struct Hub(Arc<HubConfig>, Queue, watch::Sender<u64>);

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// Makes a hub.
    pub fn new(config: HubConfig) -> Self {
        let queue = Queue::new(&config.records, Arc::clone(&config.clock), Arc::clone(&config.random));
        Self(Arc::new(config), queue, watch::Sender::new(0))
    }

    /// Returns what it works with.
    pub fn config(&self) -> &HubConfig {
        &self.0
    }

    /// Returns the queue of jobs.
    pub fn queue(&self) -> &Queue {
        &self.1
    }

    /// Makes an id that nobody has; its text sorts by time.
    pub fn new_id(&self) -> String {
        self.1.new_id()
    }

    /// Returns the time.
    pub fn now(&self) -> Micros {
        (self.0.clock)()
    }

    /// Counts the changes of builds that this process made.
    pub(crate) fn build_signal(&self) -> &watch::Sender<u64> {
        &self.2
    }

    pub(crate) fn records(&self) -> &Records {
        &self.config().records
    }

    pub(crate) fn outside(&self) -> &Outside {
        &self.config().outside
    }

    pub(crate) fn secrets(&self) -> &dyn Secrets {
        self.config().secrets.as_ref()
    }

    /// Begins the line of the audit log that tells of a change.
    pub(crate) fn event(
        &self,
        caller: &Caller,
        organization_id: Option<&str>,
        action: &str,
        subject: impl Into<String>,
    ) -> AuditEvent {
        AuditEvent {
            id: self.new_id(),
            at: self.now(),
            organization_id: organization_id.map(str::to_owned),
            actor: caller.actor(),
            action: action.to_owned(),
            subject: subject.into(),
            before: None,
            after: None,
        }
    }
}
