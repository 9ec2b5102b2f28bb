//! `/sessions`: logging in and out with a password.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use temper_hub::{Hub, Login};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Peer, Proof, SESSION_COOKIE, proved};
use crate::document::Document;
use crate::problem::{ApiError, Failures};
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new().routes(routes!(log_in)).routes(routes!(log_out))
}

/// Who logs in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password; an access token begins no session.
    #[schema(value_type = String, format = Password)]
    #[serde(serialize_with = "exposed")]
    pub password: SecretString,
}

/// Writes a secret into a document that its owner gets or gives.
pub(crate) fn exposed<S: serde::Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// A session that just began.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Who is logged in.
    pub user: String,
    /// What to send as `Authorization: Bearer`; shown once, and set as a cookie too.
    #[schema(value_type = String, format = Password)]
    #[serde(serialize_with = "exposed")]
    pub token: SecretString,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Logs in with name and password.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = Credentials, security(()),
    responses((status = CREATED, body = Session), Failures))]
async fn log_in(
    State(hub): State<Hub>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
    Document(Credentials { user, password }): Document<Credentials>,
) -> Result<Response, ApiError> {
    let peer = peer.map(|extension| extension.0).unwrap_or_default();
    let client = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let found = hub.log_in(&user, &password, client).await?;
    Ok(begun(proved(found, peer.address, Some(&user))?, &peer))
}

/// Ends the session that the request shows.
#[utoipa::path(delete, path = "/sessions/current", tag = "sessions", responses((status = NO_CONTENT), Failures))]
async fn log_out(State(hub): State<Hub>, parts: Parts) -> Result<Response, ApiError> {
    if let Some(Proof::Token(secret)) = Proof::of(&parts)? {
        hub.log_out(&secret).await?;
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Answers with a session, as a document and as a cookie.
fn begun(login: Login, peer: &Peer) -> Response {
    let secure = if peer.origin.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        login.secret.expose_secret(),
        Login::LIFE_SECONDS
    );
    let session = Session { user: login.user, token: login.secret, expires_at: time::text(login.expires_at) };
    let mut response = (StatusCode::CREATED, Json(session)).into_response();
    let mut cookie = HeaderValue::from_str(&cookie).expect("a token has letters and digits");
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}
