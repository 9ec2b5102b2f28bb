//! The log of a build while it runs: events from several threads, written to the records in batches.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use temper_compose::{Event, Log, Step};
use temper_store::records::NewEvent;
use tokio::runtime::Handle;

use crate::hub::Hub;

/// How long an event waits for others to be written with it.
const BATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Receives the events of one build.
pub(crate) struct BuildLog {
    hub: Hub,
    build_id: String,
    runtime: Handle,
    waiting: Mutex<Vec<NewEvent>>,
}

impl BuildLog {
    /// Opens the log of a build.
    pub(crate) fn new(hub: &Hub, build_id: &str, runtime: Handle) -> Self {
        Self { hub: hub.clone(), build_id: build_id.to_owned(), runtime, waiting: Mutex::default() }
    }

    /// Adds an event that is not of composition.
    pub(crate) fn say(&self, level: &'static str, step: Step, message: impl Into<String>) {
        self.push(NewEvent { level, ..new_event(self.hub.now(), Event::new(step, message)) });
    }

    /// Writes what waits. A log that cannot be written ends no build.
    pub(crate) async fn flush(&self) {
        let events = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.hub.config().records.builds().note(&self.build_id, &events).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(build.id = self.build_id, error, "events of a build could not be kept");
        }
        self.hub.build_changed();
    }

    /// Writes what waits, from a thread that may block.
    pub(crate) fn flush_blocking(&self) {
        self.runtime.block_on(self.flush());
    }

    /// Writes what waits, again and again.
    pub(crate) async fn keep_flushing(&self) {
        let mut moments = tokio::time::interval(BATCH_INTERVAL);
        loop {
            moments.tick().await;
            self.flush().await;
        }
    }

    fn push(&self, event: NewEvent) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.last_mut() {
            // Of one long part only the latest state is worth a line.
            Some(last) if is_same_part(last, &event) => *last = event,
            _ => waiting.push(event),
        }
    }
}

impl Log for BuildLog {
    fn event(&self, event: Event) {
        self.push(new_event(self.hub.now(), event));
    }
}

fn new_event(at: i64, event: Event) -> NewEvent {
    NewEvent {
        at,
        level: "info",
        step: step_name(event.step).to_owned(),
        platform: event.platform,
        message: event.message,
        progress: event.progress,
        is_bytes: event.is_bytes,
    }
}

fn is_same_part(known: &NewEvent, event: &NewEvent) -> bool {
    known.progress.is_some()
        && event.progress.is_some()
        && (&known.step, &known.platform, &known.message) == (&event.step, &event.platform, &event.message)
}

/// Names a step as records and the API have it.
pub(crate) fn step_name(step: Step) -> &'static str {
    match step {
        Step::Resolve => "resolve",
        Step::Fetch => "fetch",
        Step::Compose => "compose",
        Step::Publish => "publish",
    }
}
