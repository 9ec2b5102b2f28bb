//! `/organizations/{organization}/rebuilds` and `/freshness`: when rebuilds run, and how fresh repositories are.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use temper_hub::{Hub, RebuildWindows};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::problem::{ApiError, Failures};
use crate::time;

/// How far back freshness is measured where nothing is said, in microseconds: 30 days.
const SINCE_DEFAULT: i64 = 30 * 24 * 3600 * 1_000_000;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(get_rebuilds, set_rebuilds)).routes(routes!(get_freshness))
}

/// When rebuilds run that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rebuilds {
    /// Since when they do not run at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub paused_at: Option<String>,
    /// When they run; always where empty.
    pub windows: Vec<Window>,
    /// How many targets wait for that.
    pub held: u64,
}

/// A weekly window, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which it opens, `monday`; every day where empty.
    #[serde(default)]
    pub days: Vec<String>,
    /// When it opens, `22:00`.
    pub from: String,
    /// When it closes, `06:00`: on the next day where that is not later.
    pub to: String,
}

/// What becomes of rebuilds; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildsEdit {
    /// Whether they stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// When they run; an empty list is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<Window>>,
}

/// How long a repository's tags take to answer to what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// The repository.
    pub repository: String,
    /// Changes that were answered.
    pub answered: u64,
    /// Half of them took at most this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_seconds: Option<u64>,
    /// 95 of 100 took at most this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_seconds: Option<u64>,
    /// Changes that wait still, oldest first.
    pub waiting: Vec<LateChange>,
    /// The slowest of those that took notably long.
    pub late: Vec<LateChange>,
}

/// A change with what held it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LateChange {
    /// `base`, `artifact` or `package`.
    pub cause: String,
    /// When it was published, as far as is known.
    #[schema(format = DateTime)]
    pub published_at: String,
    /// When the tags moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub moved_at: Option<String>,
    /// How long it took, or takes.
    pub seconds: u64,
    /// What held it up most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// How far back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// Changes since this time count [default: of the last 30 days].
    since: Option<String>,
}

/// Tells when rebuilds run that nobody asked for. Members may.
#[utoipa::path(get, path = "/organizations/{organization}/rebuilds", tag = "watch",
    params(("organization" = String, Path)), responses((status = OK, body = Rebuilds), Failures))]
async fn get_rebuilds(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
) -> Result<Json<Rebuilds>, ApiError> {
    Ok(Json(hub.rebuilds(&caller, &organization).await?.into()))
}

/// Pauses rebuilds that nobody asked for, lets them run, or sets their windows. Owners may.
#[utoipa::path(patch, path = "/organizations/{organization}/rebuilds", tag = "watch",
    params(("organization" = String, Path)), request_body = RebuildsEdit,
    responses((status = OK, body = Rebuilds), Failures))]
async fn set_rebuilds(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(edit): Document<RebuildsEdit>,
) -> Result<Json<Rebuilds>, ApiError> {
    let window = |window: Window| temper_hub::Window { days: window.days, from: window.from, to: window.to };
    let windows = edit.windows.map(|windows| RebuildWindows(windows.into_iter().map(window).collect()));
    Ok(Json(hub.set_rebuilds(&caller, &organization, edit.paused, windows).await?.into()))
}

/// Tells how fresh a repository is. Whoever may read it may.
#[utoipa::path(get, path = "/organizations/{organization}/repositories/{repository}/freshness", tag = "watch",
    params(("organization" = String, Path), ("repository" = String, Path), Since),
    responses((status = OK, body = Freshness), Failures))]
async fn get_freshness(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
    Asked(since): Asked<Since>,
) -> Result<Json<Freshness>, ApiError> {
    let repository = format!("{organization}/{repository}");
    let since = match &since.since {
        Some(text) => time::parse("since", text)?,
        None => hub.now() - SINCE_DEFAULT,
    };
    let found = hub.freshness(&caller, &repository, since).await?;
    Ok(Json(Freshness {
        repository,
        answered: found.answered,
        p50_seconds: found.p50.map(seconds),
        p95_seconds: found.p95.map(seconds),
        waiting: found.waiting.into_iter().map(LateChange::from).collect(),
        late: found.late.into_iter().map(LateChange::from).collect(),
    }))
}

fn seconds(micros: i64) -> u64 {
    micros.max(0).div_euclid(1_000_000).cast_unsigned()
}

impl From<temper_hub::Late> for LateChange {
    fn from(late: temper_hub::Late) -> Self {
        Self {
            cause: late.change.cause,
            published_at: time::text(late.change.event_at),
            moved_at: late.change.moved_at.map(time::text),
            seconds: seconds(late.took),
            because: late.because,
        }
    }
}

impl From<temper_hub::Rebuilds> for Rebuilds {
    fn from(found: temper_hub::Rebuilds) -> Self {
        let window =
            |window: temper_hub::Window| Window { days: window.days, from: window.from, to: window.to };
        Self {
            paused_at: found.paused_at.map(time::text),
            windows: found.windows.0.into_iter().map(window).collect(),
            held: found.held,
        }
    }
}
