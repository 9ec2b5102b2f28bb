//! What happened in the registry, for whoever watches.

use temper_oci::Digest;
use tokio::sync::broadcast;

use crate::name::RepositoryName;

/// How many events wait for a slow watcher before it loses the oldest.
const EVENTS_WAITING_MAX: usize = 1024;

/// A change that is already visible to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it happened.
    pub repository: RepositoryName,
    /// What happened.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A manifest was pushed, perhaps one that was there before.
    ManifestPushed {
        /// Its digest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// What it refers to, for attestations and signatures.
        subject: Option<Digest>,
    },
    /// A tag points to this manifest now.
    TagMoved {
        /// The tag.
        tag: String,
        /// The manifest.
        digest: Digest,
    },
    /// A tag is gone.
    TagRemoved {
        /// The tag.
        tag: String,
    },
    /// A manifest is gone, with every tag that pointed to it.
    ManifestRemoved {
        /// Its digest.
        digest: Digest,
    },
}

/// The channel from the registry to its watchers. Events are hints: a watcher that lost some reads the records.
#[derive(Clone, Debug)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(EVENTS_WAITING_MAX))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    pub(crate) fn send(&self, repository: &RepositoryName, change: Change) {
        // Nobody watching is no fault.
        let _ = self.0.send(Event { repository: repository.clone(), change });
    }
}
