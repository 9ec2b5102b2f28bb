//! Workers: they take jobs, keep their leases, and tell the queue how each ended.

mod lease;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use temper_store::records::{Job, Micros, RecordsError};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use self::lease::Lease;
use crate::queue::Queue;

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and the job goes.
    Done,
    /// It is done, and the job went in the transaction that wrote down what was done.
    Ended,
    /// The cause is outside: it is tried again, after a longer time each time.
    Retry {
        /// What failed, in words for people.
        error: String,
    },
    /// As [`Self::Retry`], at a time that somebody named: a registry with `Retry-After`.
    RetryAt {
        /// What failed.
        error: String,
        /// When to try again.
        at: Micros,
    },
    /// No other attempt will help.
    Failed {
        /// What is wrong.
        error: String,
    },
    /// The lease is lost, or this server stops: somebody else goes on.
    Stopped,
}

impl Outcome {
    /// Names the outcome for figures.
    fn word(&self) -> &'static str {
        match self {
            Self::Done | Self::Ended => "done",
            Self::Retry { .. } | Self::RetryAt { .. } => "retry",
            Self::Failed { .. } => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// What a handler returns.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Does jobs of some kinds.
///
/// An attempt may end at any moment, by a crash or a lost lease, and the next one may be elsewhere: it has to find out
/// what is done already. What must not be done twice asks [`Lease::confirm`] first.
pub trait Handler: Send + Sync {
    /// Returns the kinds of jobs that it does.
    fn kinds(&self) -> &'static [&'static str];

    /// Makes one attempt. What blocks belongs into `tokio::task::spawn_blocking`.
    fn run<'a>(&'a self, job: &'a Job, lease: &'a Lease) -> HandlerFuture<'a>;
}

/// How workers work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// How many jobs run at once.
    pub workers: usize,
    /// How long a worker is believed to be alive without a sign.
    pub lease: Duration,
    /// How often a worker gives a sign.
    pub heartbeat: Duration,
    /// How often workers look for jobs of other processes.
    pub poll: Duration,
    /// Wait before the second attempt; it doubles with each.
    pub retry_min: Duration,
    /// Longest wait before an attempt.
    pub retry_max: Duration,
    /// How long running jobs may go on after the end was asked for.
    pub drain: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            workers: 2,
            lease: Duration::from_mins(1),
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            retry_min: Duration::from_secs(30),
            retry_max: Duration::from_hours(1),
            drain: Duration::from_secs(20),
        }
    }
}

impl WorkerOptions {
    /// Returns how long to wait after this many attempts, at least one.
    pub fn retry_delay(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.retry_min.saturating_mul(doubled).min(self.retry_max)
    }
}

/// The workers of one process; clones share one state.
#[derive(Clone)]
pub struct Worker {
    queue: Queue,
    handlers: Arc<[Arc<dyn Handler>]>,
    options: Arc<WorkerOptions>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Worker {
    /// Makes workers that do the jobs that these handlers know.
    pub fn new(queue: Queue, handlers: Vec<Arc<dyn Handler>>, options: WorkerOptions) -> Self {
        Self { queue, handlers: handlers.into(), options: Arc::new(options) }
    }

    /// Works until `stop` says so; then running jobs may end for a while, and what did not is given back.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        let mut workers = JoinSet::new();
        for _ in 0..self.options.workers {
            workers.spawn(self.clone().run_one(stop.clone()));
        }
        while workers.join_next().await.is_some() {}
    }

    async fn run_one(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let mut woken = std::pin::pin!(self.queue.woken());
            // What is added from here on wakes, also while the queue is asked.
            woken.as_mut().enable();
            match self.turn(&stop).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the queue of jobs does not answer"
                    );
                }
            }
            tokio::select! {
                () = woken => {}
                () = sleep(self.options.poll) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Takes one job and does it; says whether there was one.
    pub async fn turn(&self, stop: &watch::Receiver<bool>) -> Result<bool, RecordsError> {
        let kinds: Vec<&str> = self.handlers.iter().flat_map(|handler| handler.kinds()).copied().collect();
        // An owner for each attempt: who lost a lease never speaks for who has it now.
        let (owner, now) = (self.queue.new_id(), self.queue.now());
        let until = now.saturating_add(micros(self.options.lease));
        let Some(job) = self.queue.jobs().take(&kinds, &owner, now, until).await? else { return Ok(false) };
        let handler = self.handlers.iter().find(|handler| handler.kinds().contains(&job.kind.as_str()));
        let handler = Arc::clone(handler.expect("only kinds of handlers are taken"));
        tracing::debug!(job.id, job.kind, job.subject, job.attempts, "job taken");
        let lease = Lease::new(self.queue.clone(), &job, owner, until, self.options.lease, stop.clone());
        let start = tokio::time::Instant::now();
        let outcome = self.attempt(handler, &job, &lease, stop.clone()).await;
        metrics::histogram!("temper_job_seconds", "kind" => job.kind.clone())
            .record(start.elapsed().as_secs_f64());
        self.end(&job, &lease, outcome).await?;
        Ok(true)
    }

    /// Runs a handler in a task of its own, and gives signs of life meanwhile.
    async fn attempt(
        &self,
        handler: Arc<dyn Handler>,
        job: &Job,
        lease: &Lease,
        mut stop: watch::Receiver<bool>,
    ) -> Outcome {
        let (its_job, its_lease) = (job.clone(), lease.clone());
        let mut task = tokio::spawn(async move { handler.run(&its_job, &its_lease).await });
        let mut signs = interval(self.options.heartbeat);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        signs.reset();
        loop {
            tokio::select! {
                ended = &mut task => return outcome(ended),
                _ = signs.tick() => {
                    if !lease.renew().await {
                        task.abort();
                        return Outcome::Stopped;
                    }
                }
                Ok(()) = stop.changed() => {
                    if *stop.borrow() {
                        return self.drain(task, lease).await;
                    }
                }
            }
        }
    }

    /// Lets an attempt end for a while.
    async fn drain(&self, mut task: JoinHandle<Outcome>, lease: &Lease) -> Outcome {
        lease.renew().await;
        if let Ok(ended) = timeout(self.options.drain, &mut task).await {
            return outcome(ended);
        }
        task.abort();
        Outcome::Stopped
    }

    async fn end(&self, job: &Job, lease: &Lease, outcome: Outcome) -> Result<(), RecordsError> {
        let (jobs, owner, now) = (self.queue.jobs(), lease.owner(), self.queue.now());
        let later = || now.saturating_add(micros(self.options.retry_delay(job.attempts)));
        let retry = async |error: &str, at| {
            tracing::warn!(job.id, job.kind, job.subject, job.attempts, error, "job is tried again later");
            jobs.retry(&job.id, owner, at, error).await
        };
        let kept = match &outcome {
            Outcome::Done => jobs.finish(&job.id, owner).await?,
            Outcome::Ended => true,
            Outcome::Retry { error } => retry(error, later()).await?,
            Outcome::RetryAt { error, at } => retry(error, *at).await?,
            Outcome::Failed { error } => {
                tracing::error!(job.id, job.kind, job.subject, error, "job failed");
                jobs.fail(&job.id, owner, error, now).await?
            }
            Outcome::Stopped => jobs.give_back(&job.id, owner).await?,
        };
        metrics::counter!("temper_jobs_ended_total", "kind" => job.kind.clone(), "outcome" => outcome.word())
            .increment(1);
        // From now on nothing that is left of the attempt counts.
        lease.lose();
        if !kept {
            tracing::warn!(job.id, job.kind, job.subject, "the lease was lost before the job ended");
        }
        Ok(())
    }
}

fn outcome(ended: Result<Outcome, tokio::task::JoinError>) -> Outcome {
    ended.unwrap_or_else(|error| {
        if error.is_panic() {
            Outcome::Retry { error: "the work ended in a panic; the log has more".to_owned() }
        } else {
            Outcome::Stopped
        }
    })
}

/// Returns a time span in microseconds.
fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
