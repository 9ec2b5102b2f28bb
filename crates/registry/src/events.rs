//! What happened in the registry, for whoever watches: events in the process, and lines of the log.

use std::net::IpAddr;

use temper_oci::Digest;
use tokio::sync::broadcast;

use crate::access::Actor;
use crate::name::RepositoryName;

/// How many events wait for a slow watcher before it loses the oldest.
const EVENTS_WAITING_MAX: usize = 1024;

/// A change that is already visible to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it happened.
    pub repository: RepositoryName,
    /// Who did it.
    pub author: Author,
    /// What happened.
    pub change: Change,
}

/// Who made a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub actor: Actor,
    /// The address that the request came from; absent where there was none.
    pub peer: Option<IpAddr>,
}

impl Author {
    /// The program itself.
    pub const PROGRAM: Self = Self { actor: Actor::Program, peer: None };
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
    /// A tag points to another manifest than before.
    TagMoved {
        /// The tag.
        tag: String,
        /// Where it pointed before, if it was there.
        old: Option<Digest>,
        /// The manifest.
        digest: Digest,
        /// The manifest's media type.
        media_type: String,
    },
    /// A tag is gone; its manifest is not.
    TagRemoved {
        /// The tag.
        tag: String,
        /// Where it pointed.
        digest: Digest,
    },
    /// A manifest is gone, with every tag that pointed to it.
    ManifestRemoved {
        /// Its digest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// The tags that went with it, in lexical order.
        tags: Vec<String>,
    },
    /// A blob is not shown any more.
    BlobRemoved {
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

    /// Logs a change and tells it to the watchers, without waiting for any of them.
    pub(crate) fn send(&self, repository: &RepositoryName, author: &Author, change: Change) {
        log(repository, author, &change);
        // Nobody watching is no fault.
        let _ = self.0.send(Event { repository: repository.clone(), author: author.clone(), change });
    }
}

/// Writes one line with the same fields for every kind of change.
fn log(repository: &RepositoryName, author: &Author, change: &Change) {
    let peer = author.peer.map(tracing::field::display);
    macro_rules! line {
        ($message:literal, $($field:tt)*) => {
            tracing::info!(
                repository.name = %repository, actor = %author.actor, peer.address = peer, $($field)*, $message
            )
        };
    }
    match change {
        Change::ManifestPushed { digest, media_type, subject } => {
            let subject = subject.as_ref().map(tracing::field::display);
            line!("manifest pushed", manifest.digest = %digest, media_type, manifest.subject = subject);
        }
        Change::TagMoved { tag, old, digest, media_type } => {
            let old = old.as_ref().map(tracing::field::display);
            line!("tag moved", tag, manifest.old_digest = old, manifest.digest = %digest, media_type);
        }
        Change::TagRemoved { tag, digest } => line!("tag removed", tag, manifest.digest = %digest),
        Change::ManifestRemoved { digest, media_type, tags } => {
            line!("manifest removed", manifest.digest = %digest, media_type, tags = %tags.join(" "));
        }
        Change::BlobRemoved { digest } => line!("blob removed", blob.digest = %digest),
    }
}
