//! What decides whether a running build goes on: its lease, and what the records say of it.

use std::sync::Arc;

use temper_compose::Step;
use temper_store::records::{BuildRecord, RecordsError, Verdict};
use tokio::runtime::Handle;

use crate::build_log::{BuildLog, step_name};
use crate::builder::{Guard, Stop};
use crate::hub::Hub;
use crate::worker::Lease;

/// The guard of one attempt, asked from a thread that may block.
pub(super) struct BuildGuard {
    pub(super) hub: Hub,
    pub(super) build: BuildRecord,
    pub(super) tags: Vec<String>,
    pub(super) lease: Lease,
    pub(super) log: Arc<BuildLog>,
    pub(super) runtime: Handle,
}

impl BuildGuard {
    fn stop(verdict: Result<Verdict, RecordsError>) -> Result<(), Stop> {
        match verdict {
            Ok(Verdict::Publish) => Ok(()),
            Ok(Verdict::Cancelled) => Err(Stop::Cancelled),
            Ok(Verdict::Superseded) => Err(Stop::Superseded),
            Ok(Verdict::Lost) => Err(Stop::Lost),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a build cannot find out whether it goes on");
                Err(Stop::Lost)
            }
        }
    }

    fn lease(&self) -> Result<(), Stop> {
        if self.lease.is_lost() || self.lease.is_stopping() { Err(Stop::Lost) } else { Ok(()) }
    }
}

impl Guard for BuildGuard {
    fn step(&self, step: Step) -> Result<(), Stop> {
        self.lease()?;
        self.log.flush_blocking();
        let builds = self.hub.config().records.builds();
        let verdict =
            self.runtime.block_on(builds.step(&self.build.id, self.build.attempts, step_name(step)));
        Self::stop(verdict)
    }

    fn publish(&self) -> Result<(), Stop> {
        if !self.runtime.block_on(self.lease.confirm()) {
            return Err(Stop::Lost);
        }
        let builds = self.hub.config().records.builds();
        let (id, attempt) = (&self.build.id, self.build.attempts);
        Self::stop(self.runtime.block_on(builds.begin_publication(id, attempt, &self.tags, self.hub.now())))
    }
}
