//! What makes a server notice changes: the clock, and pushes to its registry.

use temper_hub::{Hub, HubError, PushedTag};
use temper_registry::{Change, Event, Registry};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Begins to hear of pushes, and to look at the clock where this server `looks`, until `stop` says so or the tasks are
/// dropped.
pub(super) fn start(hub: &Hub, registry: &Registry, looks: bool, stop: watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(hear(hub.clone(), registry.subscribe()));
    if looks {
        let hub = hub.clone();
        tasks.spawn(async move { hub.watch(stop).await });
    }
    tasks
}

/// Tells the hub of pushes.
async fn hear(hub: Hub, mut events: broadcast::Receiver<Event>) {
    loop {
        let told = match events.recv().await {
            Ok(event) => tell(&hub, event).await,
            // What was missed, the records know.
            Err(RecvError::Lagged(_)) => hub.compare_inputs().await,
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = told {
            tracing::error!(error = &error as &dyn std::error::Error, "a push could not be followed up");
        }
    }
}

async fn tell(hub: &Hub, event: Event) -> Result<(), HubError> {
    let repository = event.repository.as_str().to_owned();
    let moved = |tag, old, new| PushedTag { repository: repository.clone(), tag, old, new };
    match event.change {
        Change::TagMoved { tag, old, digest, .. } => hub.pushed(&moved(tag, old, Some(digest))).await,
        Change::TagRemoved { tag, digest } => hub.pushed(&moved(tag, Some(digest), None)).await,
        Change::ManifestRemoved { digest, tags, .. } => {
            for tag in tags {
                hub.pushed(&moved(tag, Some(digest), None)).await?;
            }
            Ok(())
        }
        Change::ManifestPushed { .. } | Change::BlobRemoved { .. } => Ok(()),
    }
}
