//! The work of a server that no request waits for.

use std::sync::Arc;

use temper_hub::{Handler, Hub, Worker, WorkerOptions};

/// Returns what does the hub's jobs, so many at once.
pub(super) fn worker(hub: &Hub, jobs: u16) -> Worker {
    let options = WorkerOptions { workers: usize::from(jobs), ..WorkerOptions::default() };
    Worker::new(hub.queue().clone(), handlers(hub), options)
}

/// Lists who does which kinds of jobs.
fn handlers(_hub: &Hub) -> Vec<Arc<dyn Handler>> {
    Vec::new()
}
