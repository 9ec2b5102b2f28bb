//! `/token`: who you are for what you may, as a token.
//!
//! `GET` is the [token authentication] of registries, `POST` its [OAuth 2 form].
//!
//! [token authentication]: https://distribution.github.io/distribution/spec/auth/token/
//! [OAuth 2 form]: https://distribution.github.io/distribution/spec/auth/oauth/

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Json, Router};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::timeout;

use super::scope::Scope;
use crate::access::{Credentials, TokenAccess};
use crate::body::read_all;
use crate::directory::Identity;
use crate::error::RegistryError;
use crate::frontage::Visitor;
use crate::headers::value;
use crate::patience::Patience;

/// Longest form in bytes: a hundred scopes fit.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Returns the router of `/token`.
pub fn token_router(access: TokenAccess) -> Router {
    Router::new().route("/token", any(answer)).with_state(access)
}

async fn answer(State(access): State<TokenAccess>, request: Request) -> Response {
    let visitor = Visitor::of(&request);
    let (parts, body) = request.into_parts();
    let work = async {
        match parts.method {
            Method::GET => get(&access, &visitor, &parts).await,
            Method::POST => post(&access, &visitor, body).await,
            _ => Err(RegistryError::Method { allowed: "GET, POST" }),
        }
    };
    let longest = access.tokens().request_time_max();
    let answer = timeout(longest, work).await.unwrap_or(Err(RegistryError::Silent(longest)));
    let mut response = answer.unwrap_or_else(RegistryError::into_response);
    response.headers_mut().insert(header::CACHE_CONTROL, value("no-store"));
    response
}

/// What is asked for, beside the proof.
struct Wanted {
    scopes: Vec<Scope>,
    /// Whether a refresh token is wanted, to keep instead of the password.
    is_offline: bool,
}

async fn get(access: &TokenAccess, visitor: &Visitor, parts: &Parts) -> Result<Response, RegistryError> {
    let fields = fields(parts.uri.query().unwrap_or_default().as_bytes());
    let wanted = Wanted {
        scopes: scopes(&fields)?,
        is_offline: field(&fields, "offline_token").is_some_and(|text| text == "true"),
    };
    let Some(authorization) = parts.headers.get(header::AUTHORIZATION) else {
        return issue(access, None, &wanted).await;
    };
    let credentials = authorization.to_str().ok().and_then(Credentials::parse);
    let identity = match credentials {
        Some(Credentials::Basic { user, secret }) => {
            access.authenticate(visitor.peer, &user, &secret).await?
        }
        _ => None,
    };
    issue(access, Some(&identity.ok_or_else(|| refused(visitor))?), &wanted).await
}

async fn post(access: &TokenAccess, visitor: &Visitor, body: Body) -> Result<Response, RegistryError> {
    let patience = Patience::new(access.tokens().request_time_max(), 1);
    let body = read_all(body, "form", FORM_BYTES_MAX, patience).await?;
    let fields = fields(&body);
    let wanted = Wanted {
        scopes: scopes(&fields)?,
        is_offline: field(&fields, "access_type").is_some_and(|text| text == "offline"),
    };
    let text = |name| field(&fields, name).unwrap_or_default();
    let identity = match text("grant_type") {
        "password" => match Credentials::basic(text("username"), text("password")) {
            Some(Credentials::Basic { user, secret }) => {
                access.authenticate(visitor.peer, &user, &secret).await?
            }
            _ => None,
        },
        "refresh_token" => access.refresh(visitor.peer, &SecretString::from(text("refresh_token"))).await?,
        other => return Err(RegistryError::GrantType(other.chars().take(40).collect())),
    };
    issue(access, Some(&identity.ok_or_else(|| refused(visitor))?), &wanted).await
}

async fn issue(
    access: &TokenAccess,
    identity: Option<&Identity>,
    wanted: &Wanted,
) -> Result<Response, RegistryError> {
    let granted = access.grant(identity, &wanted.scopes).await?;
    let tokens = access.tokens();
    let token = tokens.issue(identity, granted);
    let mut answer = json!({
        "token": token,
        "access_token": token,
        "expires_in": tokens.access_life().as_secs(),
    });
    if let Some(identity) = identity.filter(|_| wanted.is_offline) {
        answer["refresh_token"] = tokens.issue_refresh(identity).into();
    }
    Ok(Json(answer).into_response())
}

fn refused(visitor: &Visitor) -> RegistryError {
    RegistryError::Login { challenge: format!("Basic realm=\"{}/token\", charset=\"UTF-8\"", visitor.origin) }
}

fn fields(text: &[u8]) -> Vec<(String, SecretString)> {
    let decoded = form_urlencoded::parse(text);
    decoded.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}

fn field<'f>(fields: &'f [(String, SecretString)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.expose_secret())
}

fn scopes(fields: &[(String, SecretString)]) -> Result<Vec<Scope>, RegistryError> {
    let texts = fields.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.expose_secret());
    Scope::parse_all(texts).ok_or(RegistryError::Scopes)
}
