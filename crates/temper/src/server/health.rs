//! `/healthz` and `/readyz`: does this server run, and can it do its work?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use temper_registry::Registry;
use temper_store::records::Records;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long an answer of the database and the storage is repeated: whoever asks often costs nothing.
const REPEATED_MAX: Duration = Duration::from_secs(2);

/// How long they may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// What a server needs to do its work; clones share one state.
#[derive(Clone)]
pub(crate) struct Health(Arc<Needs>);

struct Needs {
    records: Records,
    registry: Registry,
    /// Set when the end was asked for: others are to be asked then.
    is_stopping: AtomicBool,
    last: Mutex<Option<(Instant, Checks)>>,
}

/// What was found; each is `ok` or says in words what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Checks {
    records: &'static str,
    storage: &'static str,
}

#[derive(Serialize)]
struct Answer {
    is_ready: bool,
    is_stopping: bool,
    #[serde(flatten)]
    checks: Checks,
}

impl Health {
    pub(crate) fn new(records: Records, registry: Registry) -> Self {
        let (is_stopping, last) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Needs { records, registry, is_stopping, last }))
    }

    /// Says from now on that others are to be asked.
    pub(crate) fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Returns the router of both paths.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/healthz", get(async || ([(header::CACHE_CONTROL, "no-store")], "ok\n")))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }

    async fn answer(&self) -> Answer {
        let is_stopping = self.0.is_stopping.load(Ordering::Relaxed);
        let checks = self.checks().await;
        let is_ready = !is_stopping && checks.records == OK && checks.storage == OK;
        Answer { is_ready, is_stopping, checks }
    }

    async fn checks(&self) -> Checks {
        // Who comes while another looks waits for what that one finds.
        let mut last = self.0.last.lock().await;
        if let Some((at, checks)) = last.as_ref().filter(|(at, _)| at.elapsed() < REPEATED_MAX) {
            let _ = at;
            return checks.clone();
        }
        let (records, registry) = (&self.0.records, &self.0.registry);
        let checks = Checks {
            records: word("records", timeout(ANSWER_TIME_MAX, records.ping()).await),
            storage: word("storage", timeout(ANSWER_TIME_MAX, registry.check_storage()).await),
        };
        *last = Some((Instant::now(), checks.clone()));
        checks
    }
}

const OK: &str = "ok";

/// Says what was found, without what an error may tell of this machine; the log has that.
fn word<E: std::error::Error + 'static>(
    what: &'static str,
    answered: Result<Result<(), E>, tokio::time::error::Elapsed>,
) -> &'static str {
    match answered {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready: {what} cannot be used");
            "cannot be used"
        }
        Err(_) => {
            tracing::error!("not ready: {what} did not answer in {ANSWER_TIME_MAX:?}");
            "does not answer"
        }
    }
}

async fn ready(State(health): State<Health>) -> Response {
    let answer = health.answer().await;
    let status = if answer.is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
