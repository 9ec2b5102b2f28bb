//! `/builds`: what was built, why, and what came of it.

mod log;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::{Cause, Changes, Content, Hub};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::time;

pub use log::BuildEvent;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_builds, run_builds))
        .routes(routes!(list_repository_builds))
        .routes(routes!(get_build))
        .routes(routes!(log::list_events))
        .routes(routes!(log::follow_events))
        .routes(routes!(retry_build))
        .routes(routes!(cancel_build))
        .routes(routes!(roll_back))
}

/// A build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Build {
    /// Its id; later builds have higher ones.
    pub id: String,
    /// Counts the builds of the target, from 1.
    pub number: i64,
    /// `customization` or `definition`.
    pub kind: String,
    /// The customization, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customization_id: Option<String>,
    /// The version of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customization_version: Option<i64>,
    /// Name of the customization or definition.
    pub name: String,
    /// The repository that the image goes to.
    pub destination: String,
    /// `queued`, `running`, `succeeded`, `failed`, `superseded`, `unchanged` or `cancelled`.
    pub state: String,
    /// The step that it is at, or ended at: `resolve`, `fetch`, `compose` or `publish`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why it runs.
    pub causes: Vec<BuildCause>,
    /// How often a worker took it.
    pub attempts: i64,
    /// When it is tried again, after a failure whose cause is outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub retry_at: Option<String>,
    /// When it was queued.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a worker first took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// Digest of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The tags that it wrote.
    pub tags: Vec<String>,
    /// The last build before it that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// Why it failed, or failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BuildError>,
}

/// Why a build runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildCause {
    /// In words.
    pub text: String,
    /// `kind` is `created`, `edited`, `base`, `artifact`, `package`, `chart` or `manual`; the rest depends on it.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub cause: Cause,
}

/// Why a build failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildError {
    /// What failed.
    pub message: String,
    /// The causes behind it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Everything that is wrong with the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<BuildProblem>,
}

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildProblem {
    /// Its place in the document.
    pub path: String,
    /// The platform that has the problem, where not all have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A build with what it read, what it made, and what differs from the build before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildDetails {
    /// The build.
    #[serde(flatten)]
    pub build: Build,
    /// Whether the tags are held at its result.
    pub is_held: bool,
    /// Whether its image stays although no tag points to it.
    pub is_kept: bool,
    /// What it read.
    pub inputs: Vec<BuildInput>,
    /// What differs from the build before: base and artifacts; packages, settings, files and size by platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub changes: Option<Changes>,
    /// What its image is made of, by platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub content: Option<Content>,
    /// Its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub plan: Option<serde_json::Value>,
}

/// Something that a build read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildInput {
    /// `base`, `artifact`, `package` or `archive`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// The platform that it was for; absent where it is the same for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Its version, of a package.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its digest.
    pub digest: String,
}

/// Which targets are built.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BuildRun {
    /// The repository of the target [default: all targets].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// Which builds are listed.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those in a state.
    state: Option<String>,
    /// Only what stands behind this: `next` of the part before.
    after: Option<String>,
    /// At most so many items, 1 to 500 [default: 50].
    limit: Option<u32>,
}

/// Which builds are listed.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RepositoryFilter {
    /// Those that write to this repository.
    repository: String,
    /// Those in a state.
    state: Option<String>,
    /// Only what stands behind this: `next` of the part before.
    after: Option<String>,
    /// At most so many items, 1 to 500 [default: 50].
    limit: Option<u32>,
}

/// Lists the builds of a customization, the newest first.
#[utoipa::path(get, path = "/customizations/{id}/builds", tag = "builds", params(("id" = String, Path), Filter),
    responses((status = OK, body = Listed<Build>), Failures))]
async fn list_builds(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Listed<Build>>, ApiError> {
    let page = Wanted::new(filter.after, filter.limit).page()?;
    let found = hub.list_builds(&caller, &id, filter.state.as_deref(), &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.record.id.clone(), Build::from)))
}

/// Queues builds of a customization by hand. One that finds no changed input ends as `unchanged`.
#[utoipa::path(post, path = "/customizations/{id}/builds", tag = "builds", params(("id" = String, Path)),
    request_body = BuildRun, responses((status = ACCEPTED, body = Listed<Build>), Failures))]
async fn run_builds(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    Document(run): Document<BuildRun>,
) -> Result<(StatusCode, Json<Listed<Build>>), ApiError> {
    let queued = hub.run_builds(&caller, &id, run.destination.as_deref()).await?;
    let items = queued.into_iter().map(Build::from).collect();
    Ok((StatusCode::ACCEPTED, Json(Listed { items, next: None })))
}

/// Lists the builds that write to a repository, the newest first.
#[utoipa::path(get, path = "/builds", tag = "builds", params(RepositoryFilter),
    responses((status = OK, body = Listed<Build>), Failures))]
async fn list_repository_builds(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(filter): Asked<RepositoryFilter>,
) -> Result<Json<Listed<Build>>, ApiError> {
    let page = Wanted::new(filter.after, filter.limit).page()?;
    let state = filter.state.as_deref();
    let found = hub.list_repository_builds(&caller, &filter.repository, state, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.record.id.clone(), Build::from)))
}

/// Returns a build with everything that is known of it.
#[utoipa::path(get, path = "/builds/{id}", tag = "builds", params(("id" = String, Path)),
    responses((status = OK, body = BuildDetails), Failures))]
async fn get_build(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Json<BuildDetails>, ApiError> {
    Ok(Json(hub.describe_build(&caller, &id).await?.into()))
}

/// Queues a build again that did not succeed, with the document and the inputs of today.
#[utoipa::path(post, path = "/builds/{id}/retry", tag = "builds", params(("id" = String, Path)),
    responses((status = ACCEPTED, body = Build), Failures))]
async fn retry_build(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<(StatusCode, Json<Build>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(hub.retry_build(&caller, &id).await?.into())))
}

/// Ends a build: at once where it waits, else at its next step, as long as its tags do not move yet.
#[utoipa::path(post, path = "/builds/{id}/cancel", tag = "builds", params(("id" = String, Path)),
    responses((status = OK, body = Build), Failures))]
async fn cancel_build(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Json<Build>, ApiError> {
    Ok(Json(hub.cancel_build(&caller, &id).await?.into()))
}

/// Moves the tags back to the result of this build, and holds them there until they are released.
#[utoipa::path(post, path = "/builds/{id}/rollback", tag = "builds", params(("id" = String, Path)),
    responses((status = ACCEPTED, body = Build), Failures))]
async fn roll_back(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<(StatusCode, Json<Build>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(hub.roll_back(&caller, &id).await?.into())))
}

impl From<temper_hub::Build> for Build {
    fn from(found: temper_hub::Build) -> Self {
        let temper_hub::Build { record, causes, tags, error, .. } = found;
        Self {
            id: record.id,
            number: record.number,
            kind: record.kind,
            customization_id: record.customization_id,
            customization_version: record.customization_version,
            name: record.name,
            destination: record.destination,
            state: record.state,
            step: record.step,
            causes: causes.into_iter().map(|cause| BuildCause { text: cause.sentence(), cause }).collect(),
            attempts: record.attempts,
            retry_at: record.retry_at.map(time::text),
            created_at: time::text(record.created_at),
            started_at: record.started_at.map(time::text),
            finished_at: record.finished_at.map(time::text),
            digest: record.digest,
            tags,
            previous_id: record.previous_id,
            error: error.map(BuildError::from),
        }
    }
}

impl From<temper_hub::BuildError> for BuildError {
    fn from(found: temper_hub::BuildError) -> Self {
        let problem = |problem: temper_hub::BuildProblem| BuildProblem {
            path: problem.path,
            platform: problem.platform,
            message: problem.message,
            hint: problem.hint,
        };
        Self {
            message: found.message,
            causes: found.causes,
            hint: found.hint,
            problems: found.problems.into_iter().map(problem).collect(),
        }
    }
}

impl From<temper_hub::BuildDetails> for BuildDetails {
    fn from(found: temper_hub::BuildDetails) -> Self {
        let input = |input: temper_hub::BuildInput| BuildInput {
            role: input.role,
            name: input.name,
            platform: input.platform,
            version: input.version,
            digest: input.digest,
        };
        let plan = found.build.record.plan.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Self {
            is_held: found.is_held,
            is_kept: found.build.record.is_kept,
            inputs: found.inputs.into_iter().map(input).collect(),
            changes: found.build.changes.clone(),
            content: found.content,
            plan,
            build: found.build.into(),
        }
    }
}
