//! `/users` and `/user`: who has an account, and who asks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use temper_hub::{Caller, Hub, HubError};
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
    OpenApiRouter::new().routes(routes!(get_caller)).routes(routes!(list_users, create_user)).routes(routes!(
        get_user,
        edit_user,
        remove_user
    ))
}

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// What they log in with.
    pub name: String,
    /// Where they read mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether every organization is theirs to look after.
    pub is_admin: bool,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Since when nothing lets them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
}

/// Somebody who is to get an account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they log in with.
    pub name: String,
    /// Where they read mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they log in with, beside access tokens that they make.
    #[serde(serialize_with = "crate::sessions::exposed")]
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// Whether every organization is theirs to look after.
    #[serde(default)]
    pub is_admin: bool,
}

/// What becomes of a user; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserEdit {
    /// The new address; an empty one removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The new password. It ends every session.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<SecretString>,
    /// The password until now, which whoever changes their own must know.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    #[schema(value_type = Option<String>, format = Password)]
    pub old_password: Option<SecretString>,
    /// Whether every organization is theirs to look after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_admin: Option<bool>,
    /// Whether nothing lets them in. It ends every session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn exposed<S: serde::Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

/// Returns the caller's own account.
#[utoipa::path(get, path = "/user", tag = "users", responses((status = OK, body = User), Failures))]
async fn get_caller(State(hub): State<Hub>, As(caller): As) -> Result<Json<User>, ApiError> {
    let Caller::User { name, .. } = &caller else { return Err(HubError::Unauthenticated.into()) };
    Ok(Json(hub.get_user(&caller, name).await?.into()))
}

/// Lists users by name. Administrators may.
#[utoipa::path(get, path = "/users", tag = "users", params(Wanted),
    responses((status = OK, body = Listed<User>), Failures))]
async fn list_users(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<User>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_users(&caller, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.name.clone(), User::from)))
}

/// Adds a user. Administrators may.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser,
    responses((status = CREATED, body = User), Failures))]
async fn create_user(
    State(hub): State<Hub>,
    As(caller): As,
    Document(new): Document<NewUser>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    let NewUser { name, email, password, is_admin } = new;
    let new = temper_hub::NewUser { name, email, password, is_admin };
    Ok((StatusCode::CREATED, Json(hub.create_user(&caller, new).await?.into())))
}

/// Returns a user. Administrators may, and everybody themselves.
#[utoipa::path(get, path = "/users/{user}", tag = "users", params(("user" = String, Path)),
    responses((status = OK, body = User), Failures))]
async fn get_user(
    State(hub): State<Hub>,
    As(caller): As,
    At(user): At<String>,
) -> Result<Json<User>, ApiError> {
    Ok(Json(hub.get_user(&caller, &user).await?.into()))
}

/// Changes a user. Administrators may, and everybody their own address and password.
#[utoipa::path(patch, path = "/users/{user}", tag = "users", params(("user" = String, Path)),
    request_body = UserEdit, responses((status = OK, body = User), Failures))]
async fn edit_user(
    State(hub): State<Hub>,
    As(caller): As,
    At(user): At<String>,
    Document(edit): Document<UserEdit>,
) -> Result<Json<User>, ApiError> {
    let UserEdit { email, password, old_password, is_admin, is_disabled } = edit;
    let edit = temper_hub::UserEdit { email, password, old_password, is_admin, is_disabled };
    Ok(Json(hub.edit_user(&caller, &user, edit).await?.into()))
}

/// Removes a user with sessions, access tokens and memberships. Administrators may.
#[utoipa::path(delete, path = "/users/{user}", tag = "users", params(("user" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn remove_user(
    State(hub): State<Hub>,
    As(caller): As,
    At(user): At<String>,
) -> Result<StatusCode, ApiError> {
    hub.remove_user(&caller, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<temper_hub::User> for User {
    fn from(found: temper_hub::User) -> Self {
        Self {
            name: found.name,
            email: found.email,
            is_admin: found.is_admin,
            created_at: time::text(found.created_at),
            disabled_at: found.disabled_at.map(time::text),
        }
    }
}
