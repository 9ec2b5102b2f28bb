//! `/user/tokens` and `/organizations/{organization}/tokens`: access tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use temper_hub::{Caller, Hub};
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
        .routes(routes!(list_own_tokens, create_own_token))
        .routes(routes!(revoke_own_token))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// What a program logs in with. What is shown of it is known to nobody any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its name among those of its owner.
    pub name: String,
    /// Whether it changes anything: pushes, creates, edits.
    pub may_write: bool,
    /// Patterns of the repositories that it is for; all where empty.
    pub repositories: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ends; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was last used, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub used_at: Option<String>,
}

/// A token that is to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Its name among those of its owner.
    pub name: String,
    /// Whether it changes anything: pushes, creates, edits.
    #[serde(default)]
    pub may_write: bool,
    /// Patterns of the repositories that it is for, `acme/dhi-*` [default: all].
    #[serde(default)]
    pub repositories: Vec<String>,
    /// When it ends [default: never].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// What programs use as a password, or send as `Authorization: Bearer`; shown once.
    #[schema(value_type = String, format = Password)]
    #[serde(serialize_with = "crate::sessions::exposed")]
    pub secret: SecretString,
    /// The token.
    pub token: Token,
}

/// Lists the caller's own access tokens by name.
#[utoipa::path(get, path = "/user/tokens", tag = "tokens", params(Wanted),
    responses((status = OK, body = Listed<Token>), Failures))]
async fn list_own_tokens(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Token>>, ApiError> {
    list(&hub, &caller, None, &wanted).await
}

/// Makes an access token with at most the rights of the caller, who has logged in with a password.
#[utoipa::path(post, path = "/user/tokens", tag = "tokens", request_body = NewToken,
    responses((status = CREATED, body = MadeToken), Failures))]
async fn create_own_token(
    State(hub): State<Hub>,
    As(caller): As,
    Document(new): Document<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    create(&hub, &caller, None, new).await
}

/// Ends an access token of the caller at once.
#[utoipa::path(delete, path = "/user/tokens/{token}", tag = "tokens", params(("token" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn revoke_own_token(
    State(hub): State<Hub>,
    As(caller): As,
    At(token): At<String>,
) -> Result<StatusCode, ApiError> {
    hub.revoke_token(&caller, None, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the access tokens of an organization by name. Owners may.
#[utoipa::path(get, path = "/organizations/{organization}/tokens", tag = "tokens",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Token>), Failures))]
async fn list_tokens(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Token>>, ApiError> {
    list(&hub, &caller, Some(&organization), &wanted).await
}

/// Makes an access token of an organization, whose name programs log in with. Owners may, with a password.
#[utoipa::path(post, path = "/organizations/{organization}/tokens", tag = "tokens",
    params(("organization" = String, Path)), request_body = NewToken,
    responses((status = CREATED, body = MadeToken), Failures))]
async fn create_token(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(new): Document<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    create(&hub, &caller, Some(&organization), new).await
}

/// Ends an access token of an organization at once. Owners may, with a password.
#[utoipa::path(delete, path = "/organizations/{organization}/tokens/{token}", tag = "tokens",
    params(("organization" = String, Path), ("token" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn revoke_token(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, token)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.revoke_token(&caller, Some(&organization), &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(
    hub: &Hub,
    caller: &Caller,
    organization: Option<&str>,
    wanted: &Wanted,
) -> Result<Json<Listed<Token>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_tokens(caller, organization, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.name.clone(), Token::from)))
}

async fn create(
    hub: &Hub,
    caller: &Caller,
    organization: Option<&str>,
    new: NewToken,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    let expires_at = new.expires_at.as_deref().map(|text| time::parse("expires_at", text)).transpose()?;
    let NewToken { name, may_write, repositories, .. } = new;
    let new = temper_hub::NewToken { name, may_write, repositories, expires_at };
    let (token, secret) = hub.create_token(caller, organization, new).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { secret, token: token.into() })))
}

impl From<temper_hub::Token> for Token {
    fn from(found: temper_hub::Token) -> Self {
        Self {
            name: found.name,
            may_write: found.may_write,
            repositories: found.repositories,
            created_by: found.created_by,
            created_at: time::text(found.created_at),
            expires_at: found.expires_at.map(time::text),
            used_at: found.used_at.map(time::text),
        }
    }
}
