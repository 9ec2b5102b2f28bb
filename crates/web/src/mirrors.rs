//! `/organizations/{organization}/mirrors`: repositories that follow an upstream.
//!
//! A mirror is named by its repository, what stands behind the organization; a `/` in it is written `%2F`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::{Hub, MirrorRequest};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_mirrors, start_mirror))
        .routes(routes!(get_mirror, stop_mirror))
        .routes(routes!(sync_mirror))
}

/// A repository that follows an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mirror {
    /// The repository, with its organization.
    pub repository: String,
    /// `registry`, or `definitions` for images that are built here.
    pub kind: String,
    /// The upstream repository with its registry, or the beginning of the definitions' ids.
    pub source: String,
    /// Patterns of the tags that come in; all where empty.
    pub tags: Vec<String>,
    /// Patterns of those of them that stay out.
    pub except: Vec<String>,
    /// Public keys in PEM, one of which must have signed what comes in.
    pub verify_keys: Vec<String>,
    /// How often the upstream is looked at.
    pub interval_seconds: u64,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who started it.
    pub created_by: String,
    /// Of the last look: `queued`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// When the last look began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When the last look ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// When a look last ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub succeeded_at: Option<String>,
    /// When the upstream is looked at next, if nobody asks.
    #[schema(format = DateTime)]
    pub next_at: String,
    /// Why the last look failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How far the last look came.
    pub progress: SyncProgress,
    /// The tags that it wrote.
    pub mirrored: Vec<MirroredTag>,
    /// The tags that are wanted and left out.
    pub refused: Vec<RefusedTag>,
    /// The tags that move together.
    pub lines: Vec<TagLine>,
}

/// How far a look at an upstream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncProgress {
    /// Tags that are wanted.
    pub tags: u64,
    /// Those of them that were looked at.
    pub tags_done: u64,
    /// Tags that were put or moved.
    pub tags_moved: u64,
    /// Tags that were removed because they are gone upstream.
    pub tags_removed: u64,
    /// Tags that are wanted and belong to builds.
    pub tags_held: u64,
    /// Tags that are wanted and do not come in.
    pub tags_refused: u64,
    /// Images of which something came in.
    pub images_taken: u64,
    /// Blobs that came in, or were found here.
    pub blobs_done: u64,
    /// Bytes of blobs that are known to be missing.
    pub bytes: u64,
    /// Those of them that came in, or were found here.
    pub bytes_done: u64,
}

/// A tag that a mirror wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MirroredTag {
    /// The tag.
    pub tag: String,
    /// Where it points; tags of one digest are names of one image.
    pub digest: String,
    /// The definition that the image says it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_definition_id: Option<String>,
}

/// A tag that is wanted and left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedTag {
    /// The tag.
    pub tag: String,
    /// Why.
    pub reason: String,
}

/// Tags that move together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagLine {
    /// What names them: the definition's path, `python/debian-13/3.13`.
    pub tag_definition_id: String,
    /// The tags.
    pub tags: Vec<String>,
}

/// A mirror that is to be started.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMirror {
    /// The upstream: `registry.example/team/app`, or the beginning of the ids of definitions, `python`.
    pub source: String,
    /// The repository, with its organization [default: made of the source's name].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Patterns of the tags that come in; all where empty.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Patterns of those of them that stay out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Public keys in PEM, one of which must have signed what comes in.
    #[serde(default)]
    pub verify_keys: Vec<String>,
    /// How often the upstream is looked at [default: the server's].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u64>,
}

/// Lists the mirrors of an organization that the caller may read, by repository.
#[utoipa::path(get, path = "/organizations/{organization}/mirrors", tag = "mirrors",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Mirror>), Failures))]
async fn list_mirrors(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Mirror>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_mirrors(&caller, &organization, page.after.as_deref(), page.limit).await?;
    Ok(Json(Listed::of(found, &page, |found| found.record.repository.clone(), Mirror::from)))
}

/// Starts a mirror; its first look at the upstream is queued. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/mirrors", tag = "mirrors",
    params(("organization" = String, Path)), request_body = NewMirror,
    responses((status = CREATED, body = Mirror), Failures))]
async fn start_mirror(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(new): Document<NewMirror>,
) -> Result<(StatusCode, Json<Mirror>), ApiError> {
    let NewMirror { source, repository, tags, except, verify_keys, interval_seconds } = new;
    let request = MirrorRequest { source, repository, tags, except, verify_keys, interval_seconds };
    let mirror = hub.start_mirror(&caller, &organization, &request).await?;
    Ok((StatusCode::CREATED, Json(mirror.into())))
}

/// Returns a mirror. Whoever may read its repository may.
#[utoipa::path(get, path = "/organizations/{organization}/mirrors/{repository}", tag = "mirrors",
    params(("organization" = String, Path), ("repository" = String, Path)),
    responses((status = OK, body = Mirror), Failures))]
async fn get_mirror(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
) -> Result<Json<Mirror>, ApiError> {
    Ok(Json(hub.get_mirror(&caller, &format!("{organization}/{repository}")).await?.into()))
}

/// Stops a mirror; what is there stays. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/mirrors/{repository}", tag = "mirrors",
    params(("organization" = String, Path), ("repository" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn stop_mirror(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.stop_mirror(&caller, &format!("{organization}/{repository}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks at the upstream now. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/mirrors/{repository}/sync", tag = "mirrors",
    params(("organization" = String, Path), ("repository" = String, Path)),
    responses((status = ACCEPTED, body = Mirror), Failures))]
async fn sync_mirror(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
) -> Result<(StatusCode, Json<Mirror>), ApiError> {
    let mirror = hub.sync_mirror(&caller, &format!("{organization}/{repository}")).await?;
    Ok((StatusCode::ACCEPTED, Json(mirror.into())))
}

impl From<temper_hub::Mirror> for Mirror {
    fn from(found: temper_hub::Mirror) -> Self {
        let temper_hub::Mirror { record, state, progress, tags, refused, lines } = found;
        Self {
            repository: record.repository,
            kind: record.kind,
            source: record.source,
            tags: record.allow,
            except: record.deny,
            verify_keys: record.verify_keys,
            interval_seconds: record.interval.div_euclid(1_000_000).cast_unsigned(),
            created_at: time::text(record.created_at),
            created_by: record.created_by,
            state: state.to_owned(),
            started_at: record.started_at.map(time::text),
            finished_at: record.finished_at.map(time::text),
            succeeded_at: record.succeeded_at.map(time::text),
            next_at: time::text(record.next_at),
            failure: record.failure,
            progress: progress.into(),
            mirrored: tags
                .into_iter()
                .map(|tag| MirroredTag {
                    tag: tag.tag,
                    digest: tag.digest.to_string(),
                    tag_definition_id: tag.tag_definition_id,
                })
                .collect(),
            refused: refused
                .into_iter()
                .map(|refused| RefusedTag { tag: refused.tag, reason: refused.reason })
                .collect(),
            lines: lines
                .into_iter()
                .map(|line| TagLine { tag_definition_id: line.tag_definition_id, tags: line.tags })
                .collect(),
        }
    }
}

impl From<temper_hub::Progress> for SyncProgress {
    fn from(progress: temper_hub::Progress) -> Self {
        Self {
            tags: progress.tags,
            tags_done: progress.tags_done,
            tags_moved: progress.tags_moved,
            tags_removed: progress.tags_removed,
            tags_held: progress.tags_held,
            tags_refused: progress.tags_refused,
            images_taken: progress.images_taken,
            blobs_done: progress.blobs_done,
            bytes: progress.bytes,
            bytes_done: progress.bytes_done,
        }
    }
}
