//! The work of a server that no request waits for.

use temper_hub::{Hub, Worker, WorkerOptions};

/// Returns what does the hub's jobs, so many at once.
pub(super) fn worker(hub: &Hub, jobs: u16) -> Worker {
    hub.worker(WorkerOptions { workers: usize::from(jobs), ..WorkerOptions::default() })
}
