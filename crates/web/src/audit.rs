//! `/audit` and `/organizations/{organization}/audit`: who changed what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temper_hub::{AuditFilter, Caller, Hub};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(list_audit_events)).routes(routes!(list_organization_audit_events))
}

/// A change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// Later events have higher ids.
    pub id: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who, `alice` or `alice/token:ci`.
    pub actor: String,
    /// What was done, `team.create`.
    pub action: String,
    /// To what, `acme/developers`.
    pub subject: String,
    /// What it was; absent for what was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it became; absent for what is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WantedEvents {
    /// Those whose action begins so: `team.`.
    action: Option<String>,
    /// Those of this actor.
    actor: Option<String>,
}

/// Lists all changes, newest first. Administrators may.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Wanted, WantedEvents),
    responses((status = OK, body = Listed<AuditEvent>), Failures))]
async fn list_audit_events(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(wanted): Asked<Wanted>,
    Asked(events): Asked<WantedEvents>,
) -> Result<Json<Listed<AuditEvent>>, ApiError> {
    list(&hub, &caller, None, &wanted, events).await
}

/// Lists the changes of an organization, newest first. Owners may.
#[utoipa::path(get, path = "/organizations/{organization}/audit", tag = "audit",
    params(("organization" = String, Path), Wanted, WantedEvents),
    responses((status = OK, body = Listed<AuditEvent>), Failures))]
async fn list_organization_audit_events(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
    Asked(events): Asked<WantedEvents>,
) -> Result<Json<Listed<AuditEvent>>, ApiError> {
    list(&hub, &caller, Some(&organization), &wanted, events).await
}

async fn list(
    hub: &Hub,
    caller: &Caller,
    organization: Option<&str>,
    wanted: &Wanted,
    WantedEvents { action, actor }: WantedEvents,
) -> Result<Json<Listed<AuditEvent>>, ApiError> {
    let page = wanted.page()?;
    let filter = AuditFilter { organization_id: None, action, actor };
    let found = hub.list_audit_events(caller, organization, filter, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.id.clone(), AuditEvent::from)))
}

impl From<temper_hub::AuditEvent> for AuditEvent {
    fn from(found: temper_hub::AuditEvent) -> Self {
        // What was written as JSON is JSON; anything else is shown as the text that it is.
        let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            id: found.id,
            at: time::text(found.at),
            actor: found.actor,
            action: found.action,
            subject: found.subject,
            before: found.before.map(value),
            after: found.after.map(value),
        }
    }
}
