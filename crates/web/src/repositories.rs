//! `/organizations/{organization}/repositories`: which there are, and what holds in them.
//!
//! The name in the path is what stands behind the organization; a `/` in it is written `%2F`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::{FixedTags, Hub};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document, given};
use crate::etag::{IfMatch, Versioned};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::teams::Right;
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list_repositories)).routes(routes!(
        get_repository,
        edit_repository,
        remove_repository
    ))
}

/// Holds tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// Organization and name, `acme/python`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What the caller may do in it.
    pub right: Right,
    /// How many tags it has.
    pub tags: u64,
    /// When a tag last moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub pushed_at: Option<String>,
    /// Whether everybody pulls, without an account.
    pub is_public: bool,
    /// Which tags stay where they were first put.
    pub immutable_tags: ImmutableTags,
    /// Most bytes; absent where there is no bound but the organization's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// How many of the newest manifests are kept that nothing holds; absent where the server's default holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_newest: Option<u32>,
    /// How many days a manifest is kept that nothing holds; absent where the server's default holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

/// Which tags stay where they were first put: `none`, `all`, or patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ImmutableTags {
    /// One of the two words.
    Word(ImmutableWord),
    /// The tags that match one of these.
    Patterns(Vec<String>),
}

/// None or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImmutableWord {
    /// Every tag moves.
    None,
    /// No tag moves.
    All,
}

/// What is to hold in a repository; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryEdit {
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether everybody pulls, without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Which tags stay where they were first put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable_tags: Option<ImmutableTags>,
    /// Most bytes; null takes the bound away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub quota_bytes: Option<Option<u64>>,
    /// How many of the newest manifests are kept that nothing holds; null is the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub retention_newest: Option<Option<u32>>,
    /// How many days a manifest is kept that nothing holds; null is the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub retention_days: Option<Option<u32>>,
}

/// Lists the repositories of an organization that the caller may read, by name.
#[utoipa::path(get, path = "/organizations/{organization}/repositories", tag = "repositories",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Repository>), Failures))]
async fn list_repositories(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Repository>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_repositories(&caller, &organization, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.summary.repository.clone(), Repository::from)))
}

/// Returns a repository. Whoever may read it may.
#[utoipa::path(get, path = "/organizations/{organization}/repositories/{repository}", tag = "repositories",
    params(("organization" = String, Path), ("repository" = String, Path)),
    responses((status = OK, body = Repository), Failures))]
async fn get_repository(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
) -> Result<Versioned<Repository>, ApiError> {
    Ok(versioned(hub.get_repository(&caller, &format!("{organization}/{repository}")).await?))
}

/// Sets what holds in a repository, which need not have images yet. Whoever has the right `admin` in it may.
#[utoipa::path(patch, path = "/organizations/{organization}/repositories/{repository}", tag = "repositories",
    params(("organization" = String, Path), ("repository" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body = RepositoryEdit, responses((status = OK, body = Repository), Failures))]
async fn edit_repository(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
    IfMatch(expected): IfMatch,
    Document(edit): Document<RepositoryEdit>,
) -> Result<Versioned<Repository>, ApiError> {
    let edit = temper_hub::RepositoryEdit {
        description: edit.description,
        is_public: edit.is_public,
        immutable_tags: edit.immutable_tags.map(FixedTags::from),
        quota_bytes: edit.quota_bytes,
        retention_newest: edit.retention_newest,
        retention_days: edit.retention_days,
    };
    let name = format!("{organization}/{repository}");
    Ok(versioned(hub.edit_repository(&caller, &name, edit, expected).await?))
}

/// Removes a repository with its images and settings. Whoever has the right `admin` in it may.
#[utoipa::path(delete, path = "/organizations/{organization}/repositories/{repository}", tag = "repositories",
    params(("organization" = String, Path), ("repository" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn remove_repository(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, repository)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.remove_repository(&caller, &format!("{organization}/{repository}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn versioned(found: temper_hub::Repository) -> Versioned<Repository> {
    Versioned { version: found.settings.version, document: found.into() }
}

impl From<temper_hub::Repository> for Repository {
    fn from(found: temper_hub::Repository) -> Self {
        let temper_hub::Repository { summary, settings, right } = found;
        Self {
            name: summary.repository,
            description: settings.description,
            right: right.into(),
            tags: summary.tags,
            pushed_at: summary.pushed_at.map(time::text),
            is_public: settings.is_public,
            immutable_tags: settings.immutable_tags.into(),
            quota_bytes: settings.quota_bytes,
            retention_newest: settings.retention_newest,
            retention_days: settings.retention_days,
        }
    }
}

impl From<FixedTags> for ImmutableTags {
    fn from(tags: FixedTags) -> Self {
        match tags {
            FixedTags::None => Self::Word(ImmutableWord::None),
            FixedTags::All => Self::Word(ImmutableWord::All),
            FixedTags::Patterns(patterns) => Self::Patterns(patterns),
        }
    }
}

impl From<ImmutableTags> for FixedTags {
    fn from(tags: ImmutableTags) -> Self {
        match tags {
            ImmutableTags::Word(ImmutableWord::None) => Self::None,
            ImmutableTags::Word(ImmutableWord::All) => Self::All,
            ImmutableTags::Patterns(patterns) => Self::Patterns(patterns),
        }
    }
}
