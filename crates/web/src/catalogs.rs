//! `/catalog`: the definitions of hardened images that the server builds.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use temper_hub::Hub;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list_definitions)).routes(routes!(get_definition))
}

/// A definition of a hardened image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogEntry {
    /// Its path, `python/debian-13/3.13`.
    pub id: String,
    /// Name that people see.
    pub name: String,
    /// Tags of the image.
    pub tags: Vec<String>,
    /// Platforms of the image.
    pub platforms: Vec<String>,
    /// Why it cannot be built here; empty where it can.
    pub obstacles: Vec<String>,
    /// The definition itself, as YAML; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Which definitions are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those whose ids have this in them.
    filter: Option<String>,
}

/// Lists the definitions, by id. Whoever is logged in may.
#[utoipa::path(get, path = "/catalog", tag = "catalog", params(Wanted, Filter),
    responses((status = OK, body = Listed<CatalogEntry>), Failures))]
async fn list_definitions(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(wanted): Asked<Wanted>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Listed<CatalogEntry>>, ApiError> {
    let page = wanted.page()?;
    let filter = filter.filter.unwrap_or_default();
    let found = hub.list_catalog(&caller, &filter, page.after.as_deref(), page.limit)?;
    Ok(Json(Listed::of(
        found,
        &page,
        |definition| definition.id.clone(),
        |found| CatalogEntry::of(&found, None),
    )))
}

/// Returns a definition. Whoever is logged in may. The slashes of the id are written `%2F`.
#[utoipa::path(get, path = "/catalog/{id}", tag = "catalog", params(("id" = String, Path)),
    responses((status = OK, body = CatalogEntry), Failures))]
async fn get_definition(
    State(hub): State<Hub>,
    As(caller): As,
    At(id): At<String>,
) -> Result<Json<CatalogEntry>, ApiError> {
    let (definition, text) = hub.get_definition(&caller, &id)?;
    Ok(Json(CatalogEntry::of(&definition, Some(text))))
}

impl CatalogEntry {
    fn of(definition: &temper_spec::Definition, text: Option<String>) -> Self {
        let document = &definition.document;
        Self {
            id: definition.id.clone(),
            name: document.name.clone(),
            tags: document.tags.clone(),
            platforms: document.platforms().iter().map(ToString::to_string).collect(),
            obstacles: definition.not_buildable(),
            text,
        }
    }
}
