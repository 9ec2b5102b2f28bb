//! The queue of jobs as this process sees it: the records, the clock, and whoever waits for work.

use std::fmt;
use std::sync::Arc;

use temper_store::records::{Jobs, Micros, Records};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::hub::{Clock, Random};

/// The queue of jobs; clones share one.
#[derive(Clone)]
pub struct Queue {
    jobs: Jobs,
    clock: Clock,
    random: Random,
    added: Arc<Notify>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens the queue of a database.
    pub fn new(records: &Records, clock: Clock, random: Random) -> Self {
        Self { jobs: records.jobs(), clock, random, added: Arc::default() }
    }

    /// Returns the records of jobs.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Returns the time.
    pub fn now(&self) -> Micros {
        (self.clock)()
    }

    /// Makes an id that nobody has: a UUID of version 7, whose text sorts by time.
    pub fn new_id(&self) -> String {
        let mut random = [0; 10];
        random.copy_from_slice(&(self.random)()[..10]);
        let millis = self.now().max(0).cast_unsigned() / 1000;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }

    /// Tells the workers of this process that there is something to do; call it after the transaction that wrote jobs.
    ///
    /// Workers of other processes look for themselves.
    pub fn wake(&self) {
        self.added.notify_waiters();
    }

    /// Is ready when somebody calls [`Self::wake`] from now on.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.added.notified()
    }
}
