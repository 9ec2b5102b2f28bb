//! The job `build`: it takes the waiting build of a subject, runs it, and writes down what came of it.

pub(crate) mod attempt;
mod guard;

use std::sync::Arc;
use std::time::Duration;

use temper_compose::{ComposeError, Step};
use temper_store::records::{BUILD_JOB, BuildRecord, Finish, Job, Micros, RecordsError, Retention};
use tokio::runtime::Handle;

use crate::build_error::BuildError;
use crate::build_log::BuildLog;
use crate::builder::{Ended, Stop, reached};
use crate::error::HubError;
use crate::hub::Hub;
use crate::worker::{Handler, HandlerFuture, Lease, Outcome, WorkerOptions};

use attempt::Made;

/// How often a build that fails for a cause outside is tried before it counts as failed.
const ATTEMPTS_MAX: u32 = 12;

/// How many builds that succeeded are kept of each subject, however old they are.
const KEPT_NEWEST: u32 = 10;

/// How long every build is kept.
const KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// Runs builds.
#[derive(Clone, Debug)]
pub(crate) struct BuildHandler {
    hub: Hub,
}

impl BuildHandler {
    /// Makes the handler of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

impl Handler for BuildHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[BUILD_JOB]
    }

    fn run<'a>(&'a self, job: &'a Job, lease: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            let outcome = self.hub.run_build(job, lease).await;
            outcome.unwrap_or_else(|error| Outcome::Retry { error: error.to_string() })
        })
    }
}

/// Why an attempt gave no image.
#[derive(Debug)]
enum Attempt {
    /// The builder ended it.
    Ended(Ended),
    /// The document is wrong.
    Wrong(BuildError),
    /// Something that the hub needs failed.
    Hub(Box<HubError>),
    /// There is a mistake in Temper.
    Panicked,
}

impl From<Ended> for Attempt {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<HubError> for Attempt {
    fn from(error: HubError) -> Self {
        Self::Hub(Box::new(error))
    }
}

impl From<RecordsError> for Attempt {
    fn from(error: RecordsError) -> Self {
        Self::Hub(Box::new(error.into()))
    }
}

impl Hub {
    /// Runs the waiting build of a job's subject.
    async fn run_build(&self, job: &Job, lease: &Lease) -> Result<Outcome, HubError> {
        let builds = self.config().records.builds();
        let Some(build) = builds.start(&job.subject, self.now()).await? else { return Ok(Outcome::Done) };
        self.build_changed();
        tracing::info!(build.id, build.number, build.name, build.destination, "build started");
        let log = Arc::new(BuildLog::new(self, &build.id, Handle::current()));
        let flushed = Arc::clone(&log);
        let flushing = tokio::spawn(async move { flushed.keep_flushing().await });
        let ended = self.attempt_build(&build, &log, lease).await;
        flushing.abort();
        let judged = self.judge(&build, job, ended, &log);
        log.flush().await;
        // The next attempt finds out what this one has done.
        if reached(&build.destination, "finish").is_err() {
            return Ok(Outcome::Stopped);
        }
        let Some((finish, outcome)) = judged else { return Ok(Outcome::Stopped) };
        let retention = Retention { newest: KEPT_NEWEST, since: self.now().saturating_sub(micros(KEPT_FOR)) };
        if !builds.finish(&build.id, build.attempts, &finish, retention, self.now()).await? {
            return Ok(Outcome::Stopped);
        }
        self.build_changed();
        self.queue().wake();
        self.tell_build(&build, &finish).await;
        Ok(outcome)
    }

    /// Decides what is written down of an attempt, and what becomes of its job; nothing of one that is somebody
    /// else's now.
    fn judge(
        &self,
        build: &BuildRecord,
        job: &Job,
        ended: Result<Made, Attempt>,
        log: &BuildLog,
    ) -> Option<(Finish, Outcome)> {
        let ended = match ended {
            Ok(made) => {
                tracing::info!(build.id, build.number, image.digest = made.success.digest, "build succeeded");
                return Some((Finish::Succeeded(Box::new(made.success)), Outcome::Done));
            }
            Err(ended) => ended,
        };
        let (error, plan, is_outside) = match ended {
            Attempt::Ended(Ended::Stopped(Stop::Lost)) => return None,
            Attempt::Ended(Ended::Stopped(Stop::Cancelled)) => {
                log.say("warning", Step::Publish, "the build was cancelled");
                return Some((Finish::Cancelled, Outcome::Done));
            }
            Attempt::Ended(Ended::Stopped(Stop::Superseded)) => {
                log.say("info", Step::Publish, "something newer takes the place of this build");
                return Some((Finish::Superseded, Outcome::Done));
            }
            Attempt::Ended(Ended::Unchanged) => {
                log.say("info", Step::Resolve, "no input has changed");
                return Some((Finish::Unchanged, Outcome::Done));
            }
            Attempt::Ended(Ended::Problems(plan)) => {
                (BuildError::of_plan(&plan), serde_json::to_string(&*plan).ok(), false)
            }
            Attempt::Ended(Ended::Failed(error)) => {
                let is_outside = is_outside(&error);
                (BuildError::of(&*error, error.hint()), None, is_outside)
            }
            Attempt::Wrong(error) => (error, None, false),
            Attempt::Hub(error) => (BuildError::of(&*error, error.hint()), None, true),
            Attempt::Panicked => {
                let message = "the build ended in a panic; the log of the server has more";
                (BuildError::of_message(message), None, true)
            }
        };
        let told = error.sentence();
        if !is_outside || job.attempts >= ATTEMPTS_MAX {
            log.say("error", Step::Resolve, &*told);
            tracing::warn!(build.id, build.number, error = told, "build failed");
            return Some((Finish::Failed { error: error.to_json(), plan }, Outcome::Done));
        }
        let delay = WorkerOptions::default().retry_delay(job.attempts);
        let at = self.now().saturating_add(micros(delay));
        log.say("warning", Step::Resolve, format!("{told}; the next try is in {} s", delay.as_secs()));
        Some((Finish::Retry { error: error.to_json(), at }, Outcome::RetryAt { error: told, at }))
    }
}

/// Says whether an error may go away by itself: a network, a registry, a disk. What is wrong with an image or a
/// package stays wrong.
pub(crate) fn is_outside(error: &ComposeError) -> bool {
    match error {
        ComposeError::External(_)
        | ComposeError::Store { .. }
        | ComposeError::Layer { .. }
        | ComposeError::Write { .. } => true,
        ComposeError::Problems(_) | ComposeError::Image { .. } | ComposeError::Package { .. } => false,
    }
}

/// Returns a time span in microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
