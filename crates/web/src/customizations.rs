//! `/customizations`: documents that are built again and again.

mod documents;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use temper_hub::{CustomizationDetails, Hub, Submission};
use temper_spec::customization::Overrides;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::etag::{IfMatch, Versioned};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};

pub use documents::{
    Customization, CustomizationEdit, CustomizationVersion, Documents, Drift, DriftLine, Folder, Released,
    Restoration, SentDocument, Target, TargetTag,
};

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
