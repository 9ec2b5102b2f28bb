//! `/organizations/{organization}/webhooks`, `/incoming-webhooks`, and `/hooks/{id}`, which registries call.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use temper_hub::{Call, Hub, SIGNATURE_HEADER};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::time;

/// Most bytes of a call.
const CALL_BYTES_MAX: usize = 1 << 20;

/// Where GitHub and many others put the same signature.
const HUB_SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, create_webhook))
        .routes(routes!(delete_webhook))
        .routes(routes!(ping_webhook))
        .routes(routes!(list_deliveries))
        .routes(routes!(list_incoming_webhooks, create_incoming_webhook))
        .routes(routes!(delete_incoming_webhook))
        .routes(routes!(call_webhook))
}

/// An address that is told of what happens in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The address.
    pub url: String,
    /// The events; all where empty.
    pub events: Vec<String>,
    /// Patterns of the repositories; all where empty.
    pub repositories: Vec<String>,
    /// What payloads are signed with; only in the answer to its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who created it.
    pub created_by: String,
}

/// A webhook that is to be created.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The address.
    pub url: String,
    /// The events: `push`, `build.succeeded`, `build.failed`, `mirror.failed`, `late`, `ping`; all where empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// Patterns of the repositories; all where empty.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// What payloads are signed with [default: made].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Something that was sent or is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// The event.
    pub event: String,
    /// `waiting`, `delivered` or `given-up`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u64,
    /// The last answer's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it came about.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub tried_at: Option<String>,
    /// What is sent.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// An address at which a registry tells of pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncomingWebhook {
    /// Its id.
    pub id: String,
    /// `docker-hub`, `harbor` or `generic`.
    pub kind: String,
    /// Where the registry calls, below the server's address.
    pub path: String,
    /// What proves a call; only in the answer to its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who created it.
    pub created_by: String,
    /// When it was last called by somebody who knew the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub called_at: Option<String>,
    /// How often it was.
    pub calls: u64,
}

/// An incoming webhook that is to be created.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncomingWebhook {
    /// `docker-hub`, `harbor` or `generic`.
    pub kind: String,
    /// What proves a call [default: made].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heard {
    /// The repositories that it tells of.
    pub repositories: Vec<String>,
    /// The mirrors that look now.
    pub mirrors: Vec<String>,
}

/// The secret of registries that can only keep an address.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InAddress {
    /// The secret, for Docker Hub.
    token: Option<String>,
}

/// Lists the webhooks of an organization. Owners may.
#[utoipa::path(get, path = "/organizations/{organization}/webhooks", tag = "webhooks",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Webhook>), Failures))]
async fn list_webhooks(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Webhook>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_webhooks(&caller, &organization, page.after.as_deref(), page.limit).await?;
    Ok(Json(Listed::of(found, &page, |found| found.id.clone(), |found| Webhook::of(found, false))))
}

/// Creates a webhook. Its secret is in the answer and never again. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/webhooks", tag = "webhooks",
    params(("organization" = String, Path)), request_body = NewWebhook,
    responses((status = CREATED, body = Webhook), Failures))]
async fn create_webhook(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(new): Document<NewWebhook>,
) -> Result<(StatusCode, Json<Webhook>), ApiError> {
    let NewWebhook { url, events, repositories, secret } = new;
    let new = temper_hub::NewWebhook { url, events, repositories, secret };
    let made = hub.create_webhook(&caller, &organization, new).await?;
    Ok((StatusCode::CREATED, Json(Webhook::of(made, true))))
}

/// Deletes a webhook with its log. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/webhooks/{id}", tag = "webhooks",
    params(("organization" = String, Path), ("id" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn delete_webhook(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, id)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.delete_webhook(&caller, &organization, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends the event `ping`. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/webhooks/{id}/ping", tag = "webhooks",
    params(("organization" = String, Path), ("id" = String, Path)), responses((status = ACCEPTED), Failures))]
async fn ping_webhook(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, id)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.ping_webhook(&caller, &organization, &id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists what was sent to a webhook, newest first. Owners may.
#[utoipa::path(get, path = "/organizations/{organization}/webhooks/{id}/deliveries", tag = "webhooks",
    params(("organization" = String, Path), ("id" = String, Path), Wanted),
    responses((status = OK, body = Listed<Delivery>), Failures))]
async fn list_deliveries(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, id)): At<(String, String)>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Delivery>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_deliveries(&caller, &organization, &id, page.after.as_deref(), page.limit).await?;
    Ok(Json(Listed::of(found, &page, |found| found.id.clone(), Delivery::from)))
}

/// Lists the incoming webhooks of an organization. Owners may.
#[utoipa::path(get, path = "/organizations/{organization}/incoming-webhooks", tag = "webhooks",
    params(("organization" = String, Path), Wanted),
    responses((status = OK, body = Listed<IncomingWebhook>), Failures))]
async fn list_incoming_webhooks(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<IncomingWebhook>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_incoming(&caller, &organization, page.after.as_deref(), page.limit).await?;
    Ok(Json(Listed::of(found, &page, |found| found.id.clone(), |found| IncomingWebhook::of(found, false))))
}

/// Creates an incoming webhook. Its secret is in the answer and never again. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/incoming-webhooks", tag = "webhooks",
    params(("organization" = String, Path)), request_body = NewIncomingWebhook,
    responses((status = CREATED, body = IncomingWebhook), Failures))]
async fn create_incoming_webhook(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(new): Document<NewIncomingWebhook>,
) -> Result<(StatusCode, Json<IncomingWebhook>), ApiError> {
    let new = temper_hub::NewIncoming { kind: new.kind, secret: new.secret };
    let made = hub.create_incoming(&caller, &organization, new).await?;
    Ok((StatusCode::CREATED, Json(IncomingWebhook::of(made, true))))
}

/// Deletes an incoming webhook. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/incoming-webhooks/{id}", tag = "webhooks",
    params(("organization" = String, Path), ("id" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn delete_incoming_webhook(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, id)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.delete_incoming(&caller, &organization, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells of a push: the mirrors of that repository look at once. Whoever knows the secret may.
#[utoipa::path(post, path = "/hooks/{id}", tag = "webhooks", security(()),
    params(("id" = String, Path), InAddress,
        ("X-Temper-Signature-256" = Option<String>, Header, description = "HMAC-SHA256 of the body, for `generic`")),
    request_body(content = String, content_type = "application/json"),
    responses((status = ACCEPTED, body = Heard), Failures))]
async fn call_webhook(
    State(hub): State<Hub>,
    At(id): At<String>,
    Asked(address): Asked<InAddress>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Heard>), ApiError> {
    let body = to_bytes(body, CALL_BYTES_MAX).await.map_err(|_| ApiError::Request {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        detail: format!("the call has more than {CALL_BYTES_MAX} bytes, or broke off"),
        hint: None,
    })?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let call = Call {
        signature: text(SIGNATURE_HEADER).or_else(|| text(HUB_SIGNATURE_HEADER)),
        authorization: text(header::AUTHORIZATION.as_str()),
        token: address.token.as_deref(),
        body: &body,
    };
    let temper_hub::Heard { repositories, mirrors } = hub.hear(&id, call).await?;
    Ok((StatusCode::ACCEPTED, Json(Heard { repositories, mirrors })))
}

impl Webhook {
    fn of(found: temper_hub::Webhook, shows_secret: bool) -> Self {
        Self {
            id: found.id,
            url: found.url,
            events: found.events,
            repositories: found.repositories,
            secret: shows_secret.then(|| found.secret.expose().to_owned()),
            created_at: time::text(found.created_at),
            created_by: found.created_by,
        }
    }
}

impl IncomingWebhook {
    fn of(found: temper_hub::IncomingWebhook, shows_secret: bool) -> Self {
        Self {
            path: format!("/api/v1/hooks/{}", found.id),
            id: found.id,
            kind: found.kind,
            secret: shows_secret.then(|| found.secret.expose().to_owned()),
            created_at: time::text(found.created_at),
            created_by: found.created_by,
            called_at: found.called_at.map(time::text),
            calls: found.calls.cast_unsigned(),
        }
    }
}

impl From<temper_hub::Delivery> for Delivery {
    fn from(found: temper_hub::Delivery) -> Self {
        let state = match (found.delivered_at, found.given_up_at) {
            (Some(_), _) => "delivered",
            (None, Some(_)) => "given-up",
            (None, None) => "waiting",
        };
        Self {
            id: found.id,
            event: found.event,
            state: state.to_owned(),
            attempts: found.attempts.cast_unsigned(),
            status: found.status.and_then(|status| u16::try_from(status).ok()),
            failure: found.failure,
            created_at: time::text(found.created_at),
            tried_at: found.tried_at.map(time::text),
            payload: serde_json::from_str(&found.payload).unwrap_or_default(),
        }
    }
}
