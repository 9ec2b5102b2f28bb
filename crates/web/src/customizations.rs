//! `/customizations`: documents that are built again and again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::{CustomizationDetails, Hub, Submission, TargetDetails};
use temper_spec::customization::Overrides;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::builds::Build;
use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::etag::{IfMatch, Versioned};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_customizations, create_customizations))
        .routes(routes!(apply_customizations))
        .routes(routes!(find_customization))
        .routes(routes!(get_customization, edit_customization, delete_customization))
        .routes(routes!(list_versions))
        .routes(routes!(restore_version))
        .routes(routes!(release_tags))
}

/// A customization with its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Customization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What its tags end with, behind `_`.
    pub suffix: String,
    /// Counts the edits, from 1.
    pub version: i64,
    /// The document in its canonical form, with the id.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// The same as YAML: what an edit takes.
    pub yaml: String,
    /// Its targets, in the order of the document.
    pub targets: Vec<Target>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// When it was last edited.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who edited it last.
    pub updated_by: String,
}

/// A target with its tags and its last build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// The repository of base and result.
    pub destination: String,
    /// The line of tags that it follows, where the repository has definitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_definition_id: Option<String>,
    /// The tags that it writes.
    pub tags: Vec<TargetTag>,
    /// The build at whose result the tags are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_build: Option<String>,
    /// When somebody last looked whether an input changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub checked_at: Option<String>,
    /// What came of it: `queued`, `unchanged`, `held` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_outcome: Option<String>,
    /// The newest build, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_build: Option<Build>,
}

/// A tag that a target writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetTag {
    /// The tag.
    pub tag: String,
    /// Where it points; absent before the first build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Documents that are sent together.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The documents.
    pub documents: Vec<SentDocument>,
}

/// A customization document, with what stands above it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SentDocument {
    /// How the sender calls it, a file's name; problems of several documents are told by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The document, YAML or JSON.
    pub text: String,
    /// Replaces its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Replaces the destination of its only target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Replaces the tag definition id of its only target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_definition_id: Option<String>,
}

/// A folder of documents that the server is to be equal to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// All of its documents.
    pub documents: Vec<SentDocument>,
    /// Whether nothing is changed, and only told what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether tags that are not written any more are removed.
    #[serde(default)]
    pub remove_tags: bool,
}

/// What differs between a folder and the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// A line for each document, and for each customization without one.
    pub lines: Vec<DriftLine>,
}

/// One customization of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftLine {
    /// What is done: `create`, `edit`, `delete` or `none`.
    pub action: String,
    /// The name of the customization.
    pub name: String,
    /// The repositories of its targets.
    pub destinations: Vec<String>,
    /// The document, as the sender calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The customization, where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The places of the document that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// Another document for a customization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomizationEdit {
    /// The document, with the id, YAML or JSON.
    pub text: String,
    /// Whether tags that it does not have any more are removed.
    #[serde(default)]
    pub remove_tags: bool,
}

/// A document that a customization had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomizationVersion {
    /// Its number.
    pub version: i64,
    /// The document in its canonical form.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who wrote it.
    pub created_by: String,
    /// The version that it is a copy of, where one was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<i64>,
}

/// The version that is restored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restoration {
    /// Its number.
    pub version: i64,
}

/// How many targets were released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// How many had been held.
    pub targets: usize,
}

/// Which customizations are listed.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Part of the name, in any case.
    name: Option<String>,
    /// Part of a target's repository, in any case.
    repository: Option<String>,
    /// Part of the catalog's repository that a target names, in any case.
    source: Option<String>,
    /// Only what stands behind this: `next` of the part before.
    after: Option<String>,
    /// At most so many items, 1 to 500 [default: 50].
    limit: Option<u32>,
}

/// Which customization is meant.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    /// The repository of one of its targets.
    repository: String,
    /// Its name.
    name: String,
}

/// What becomes of tags.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Deletion {
    /// Whether its tags are removed; else they stay where they are.
    #[serde(default)]
    remove_tags: bool,
}

/// Lists the customizations of an organization. Whoever may read the repository of one sees it.
#[utoipa::path(get, path = "/organizations/{organization}/customizations", tag = "customizations",
    params(("organization" = String, Path), Filter), responses((status = OK, body = Listed<Customization>), Failures))]
async fn list_customizations(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Listed<Customization>>, ApiError> {
    let page = Wanted::new(filter.after, filter.limit).page()?;
    let wanted = temper_hub::CustomizationFilter {
        name: filter.name,
        destination: filter.repository,
        source: filter.source,
    };
    let found = hub.list_customizations(&caller, &organization, &wanted, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.record.id.clone(), Customization::from)))
}

/// Creates customizations, all or none of them, and queues their builds.
#[utoipa::path(post, path = "/organizations/{organization}/customizations", tag = "customizations",
    params(("organization" = String, Path)), request_body = Documents,
    responses((status = CREATED, body = Listed<Customization>), Failures))]
async fn create_customizations(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(sent): Document<Documents>,
) -> Result<(StatusCode, Json<Listed<Customization>>), ApiError> {
    let created = hub.create_customizations(&caller, &organization, &submissions(sent.documents)).await?;
    let items = created.into_iter().map(Customization::from).collect();
    Ok((StatusCode::CREATED, Json(Listed { items, next: None })))
}

/// Makes the customizations of an organization equal to a folder of documents, or tells what that would change.
#[utoipa::path(post, path = "/organizations/{organization}/customizations/apply", tag = "customizations",
    params(("organization" = String, Path)), request_body = Folder,
    responses((status = OK, body = Drift), Failures))]
async fn apply_customizations(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(sent): Document<Folder>,
) -> Result<Json<Drift>, ApiError> {
    let documents = submissions(sent.documents);
    let (dry_run, remove_tags) = (sent.dry_run, sent.remove_tags);
    let drift = hub.apply_customizations(&caller, &organization, &documents, dry_run, remove_tags).await?;
    Ok(Json(drift.into()))
}

/// Returns the customization with a name in a repository.
#[utoipa::path(get, path = "/customizations", tag = "customizations", params(Named),
    responses((status = OK, body = Customization), Failures))]
async fn find_customization(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(named): Asked<Named>,
) -> Result<Versioned<Customization>, ApiError> {
    Ok(versioned(hub.find_customization(&caller, &named.repository, &named.name).await?))
}

/// Returns a customization.
#[utoipa::path(get, path = "/customizations/{id}", tag = "customizations", params(("id" = String, Path)),
    responses((status = OK, body = Customization), Failures))]
async fn get_customization(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Versioned<Customization>, ApiError> {
    Ok(versioned(hub.get_customization(&caller, &id).await?))
}

/// Puts another document in the place of a customization's, and queues what follows.
#[utoipa::path(put, path = "/customizations/{id}", tag = "customizations",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body = CustomizationEdit, responses((status = OK, body = Customization), Failures))]
async fn edit_customization(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    IfMatch(expected): IfMatch,
    Document(edit): Document<CustomizationEdit>,
) -> Result<Versioned<Customization>, ApiError> {
    let submission = Submission { text: edit.text, ..Submission::default() };
    Ok(versioned(hub.edit_customization(&caller, &id, expected, &submission, edit.remove_tags).await?))
}

/// Deletes a customization. Its tags stay where they are, or are removed.
#[utoipa::path(delete, path = "/customizations/{id}", tag = "customizations",
    params(("id" = String, Path), Deletion, ("If-Match" = Option<String>, Header, description = "The version that is deleted")),
    responses((status = NO_CONTENT), Failures))]
async fn delete_customization(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    IfMatch(expected): IfMatch,
    Asked(deletion): Asked<Deletion>,
) -> Result<StatusCode, ApiError> {
    hub.delete_customization(&caller, &id, expected, deletion.remove_tags).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists every document that a customization had, the newest first.
#[utoipa::path(get, path = "/customizations/{id}/versions", tag = "customizations", params(("id" = String, Path)),
    responses((status = OK, body = Listed<CustomizationVersion>), Failures))]
async fn list_versions(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Json<Listed<CustomizationVersion>>, ApiError> {
    let found = hub.customization_history(&caller, &id).await?;
    Ok(Json(Listed { items: found.into_iter().map(CustomizationVersion::from).collect(), next: None }))
}

/// Puts an earlier document in the place of the one that is there.
#[utoipa::path(post, path = "/customizations/{id}/restore", tag = "customizations",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body = Restoration, responses((status = OK, body = Customization), Failures))]
async fn restore_version(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
    IfMatch(expected): IfMatch,
    Document(Restoration { version }): Document<Restoration>,
) -> Result<Versioned<Customization>, ApiError> {
    Ok(versioned(hub.restore_customization(&caller, &id, version, expected).await?))
}

/// Lets tags go that a roll back holds at earlier builds.
#[utoipa::path(post, path = "/customizations/{id}/release", tag = "customizations", params(("id" = String, Path)),
    responses((status = OK, body = Released), Failures))]
async fn release_tags(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Json<Released>, ApiError> {
    Ok(Json(Released { targets: hub.release_tags(&caller, &id).await? }))
}

fn submissions(documents: Vec<SentDocument>) -> Vec<Submission> {
    let submission = |sent: SentDocument| Submission {
        name: sent.file,
        text: sent.text,
        overrides: Overrides {
            name: sent.name,
            destination: sent.destination,
            tag_definition_id: sent.tag_definition_id,
        },
    };
    documents.into_iter().map(submission).collect()
}

fn versioned(found: CustomizationDetails) -> Versioned<Customization> {
    Versioned { version: found.record.version, document: found.into() }
}

impl From<CustomizationDetails> for Customization {
    fn from(found: CustomizationDetails) -> Self {
        let record = found.record;
        Self {
            id: record.id,
            name: record.name,
            suffix: record.suffix,
            version: record.version,
            document: serde_json::to_value(&found.document).unwrap_or_default(),
            yaml: found.document.to_yaml(),
            targets: found.targets.into_iter().map(Target::from).collect(),
            created_at: time::text(record.created_at),
            created_by: record.created_by,
            updated_at: time::text(record.updated_at),
            updated_by: record.updated_by,
        }
    }
}

impl From<TargetDetails> for Target {
    fn from(found: TargetDetails) -> Self {
        let tag = |tag: temper_hub::TargetTag| TargetTag { tag: tag.tag, digest: tag.digest };
        Self {
            id: found.record.id,
            destination: found.record.destination,
            tag_definition_id: found.record.tag_definition_id,
            tags: found.tags.into_iter().map(tag).collect(),
            held_build: found.record.held_build_id,
            checked_at: found.record.checked_at.map(time::text),
            check_outcome: found.record.check_outcome,
            last_build: found.last_build.map(Build::from),
        }
    }
}

impl From<temper_hub::CustomizationVersion> for CustomizationVersion {
    fn from(found: temper_hub::CustomizationVersion) -> Self {
        Self {
            version: found.version,
            document: serde_json::from_str(&found.document).unwrap_or_default(),
            created_at: time::text(found.created_at),
            created_by: found.created_by,
            restored_from: found.restored_from,
        }
    }
}

impl From<temper_hub::Drift> for Drift {
    fn from(found: temper_hub::Drift) -> Self {
        let line = |line: temper_hub::DriftLine| DriftLine {
            action: line.action.as_str().to_owned(),
            name: line.name,
            destinations: line.destinations,
            file: line.document,
            id: line.id,
            differences: line.differences,
        };
        Self { lines: found.lines.into_iter().map(line).collect() }
    }
}
