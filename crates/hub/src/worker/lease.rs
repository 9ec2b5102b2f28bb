//! The lease of one attempt at a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use temper_store::records::{Job, Micros};
use tokio::sync::watch;

use super::micros;
use crate::queue::Queue;

/// The right to do a job, until it ends or somebody else has it; clones share one.
#[derive(Clone, Debug)]
pub struct Lease(Arc<State>);

#[derive(Debug)]
struct State {
    queue: Queue,
    job: String,
    owner: String,
    /// How long a sign of life holds.
    term: Duration,
    /// Until when this attempt is the only one, whatever happens.
    until: AtomicI64,
    is_lost: AtomicBool,
    stop: watch::Receiver<bool>,
}

impl Lease {
    pub(super) fn new(
        queue: Queue,
        job: &Job,
        owner: String,
        until: Micros,
        term: Duration,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (until, is_lost) = (AtomicI64::new(until), AtomicBool::new(false));
        Self(Arc::new(State { queue, job: job.id.clone(), owner, term, until, is_lost, stop }))
    }

    /// Returns the id of the job.
    pub fn job(&self) -> &str {
        &self.0.job
    }

    /// Returns the name under which this attempt holds the job: records that end a job ask for it.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Says whether nothing that this attempt does counts any more. Asks nobody.
    pub fn is_lost(&self) -> bool {
        self.0.is_lost.load(Ordering::Acquire) || self.0.queue.now() >= self.0.until.load(Ordering::Acquire)
    }

    /// Says whether the server stops: what takes long gives up with [`super::Outcome::Stopped`].
    pub fn is_stopping(&self) -> bool {
        *self.0.stop.borrow()
    }

    /// Renews the lease before something becomes visible; where it says no, nothing may.
    pub async fn confirm(&self) -> bool {
        self.renew().await && !self.is_lost()
    }

    /// Gives a sign of life; says whether the job is still this attempt's.
    ///
    /// A queue that does not answer is believed to think so until the last sign has become old.
    pub(super) async fn renew(&self) -> bool {
        let state = &self.0;
        if state.is_lost.load(Ordering::Acquire) {
            return false;
        }
        let until = state.queue.now().saturating_add(micros(state.term));
        match state.queue.jobs().heartbeat(&state.job, &state.owner, until).await {
            Ok(true) => state.until.store(until, Ordering::Release),
            Ok(false) => self.lose(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(job.id = state.job, error, "the lease of a job could not be renewed");
            }
        }
        !self.is_lost()
    }

    pub(super) fn lose(&self) {
        self.0.is_lost.store(true, Ordering::Release);
    }
}
