//! The log of a build: in parts, or as it is written.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use temper_hub::{Caller, Hub};
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::Build;
use crate::caller::As;
use crate::document::{Asked, At};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};

/// How long a follower waits before it looks by itself: builds of other servers tell nothing here.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How many events are read at once.
const BATCH: u32 = 200;

/// An event of a build's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildEvent {
    /// Its place in the log, from 1.
    pub sequence: i64,
    /// When, with milliseconds.
    #[schema(format = DateTime)]
    pub at: String,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The step of the build.
    pub step: String,
    /// The platform, where it happens for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What happens.
    pub message: String,
    /// How much of a long part of the step is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// How much there is in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether `done` and `total` count bytes.
    #[serde(default)]
    pub is_bytes: bool,
}

/// From where a log is followed.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Follow {
    /// Only events behind the one with this number.
    after: Option<i64>,
}

/// Lists events of a build's log in their order.
#[utoipa::path(get, path = "/builds/{id}/events", tag = "builds", params(("id" = String, Path), Wanted),
    responses((status = OK, body = Listed<BuildEvent>), Failures))]
pub(super) async fn list_events(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<BuildEvent>>, ApiError> {
    let page = wanted.page()?;
    let after = page.after.as_deref().unwrap_or("0").parse();
    let after = after.map_err(|_| ApiError::request("`after` is the number of an event"))?;
    let found = hub.build_events(&caller, &id, after, page.limit).await?;
    Ok(Json(Listed::of(found, &page, |event| event.sequence.to_string(), BuildEvent::from)))
}

/// Follows the log of a build as server-sent events: `event` with an event of the log and its number as id, and in the
/// end `end` with the build. `Last-Event-ID` goes on behind an event.
#[utoipa::path(get, path = "/builds/{id}/log", tag = "builds", params(("id" = String, Path), Follow),
    responses((status = OK, content_type = "text/event-stream", body = String), Failures))]
pub(super) async fn follow_events(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    Asked(from): Asked<Follow>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    hub.get_build(&caller, &id).await?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let follower = Follower {
        changes: hub.build_changes(),
        hub,
        caller,
        id,
        after: last.or(from.after).unwrap_or(0),
        waiting: VecDeque::new(),
        has_ended: false,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Somebody who follows a log.
struct Follower {
    hub: Hub,
    caller: Caller,
    id: String,
    after: i64,
    changes: watch::Receiver<u64>,
    waiting: VecDeque<Event>,
    has_ended: bool,
}

impl Follower {
    /// Waits for the next event; nothing when the build has ended, or cannot be read any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.has_ended {
                return None;
            }
            self.changes.borrow_and_update();
            // Asked before the events, so that none of an ended build is missed.
            let build = self.hub.get_build(&self.caller, &self.id).await.ok()?;
            let found = self.hub.build_events(&self.caller, &self.id, self.after, BATCH).await.ok()?;
            let is_all = found.len() < BATCH as usize;
            for event in found {
                self.after = event.sequence;
                let number = event.sequence.to_string();
                let data = Event::default().event("event").id(number).json_data(BuildEvent::from(event));
                self.waiting.extend(data.ok());
            }
            if is_all && build.has_ended() {
                self.has_ended = true;
                self.waiting.extend(Event::default().event("end").json_data(Build::from(build)).ok());
            }
            if self.waiting.is_empty() {
                // A change and the end of the wait are both reasons to look.
                let _ = timeout(LOOK_INTERVAL, self.changes.changed()).await;
            }
        }
    }
}

impl From<temper_hub::BuildEvent> for BuildEvent {
    fn from(found: temper_hub::BuildEvent) -> Self {
        let (done, total) = found.progress.unzip();
        Self {
            sequence: found.sequence,
            at: temper_hub::timestamp(found.at),
            level: found.level,
            step: found.step,
            platform: found.platform,
            message: found.message,
            done,
            total,
            is_bytes: found.is_bytes,
        }
    }
}
