//! All routes under `/api/v1`, and their description.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use temper_hub::Hub;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::caller::SESSION_COOKIE;
use crate::document::BODY_BYTES_MAX;
use crate::problem::{ApiError, Problem, ProblemDetails};
use crate::{
    audit, builds, catalogs, customizations, mirrors, organizations, repositories, sessions, teams, tokens,
    users, watch, webhooks,
};

/// Where the routes begin.
const ROOT: &str = "/api/v1";

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Temper",
        description = "Organizations, people, rights, mirrors, customizations and builds. Failures are problem details (RFC 9457). Lists come in parts: `next` of one is `after` of the following. A time is RFC 3339 in UTC.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem, ProblemDetails)),
    modifiers(&Proofs),
    security(("token" = []), ("password" = []), ("session" = []))
)]
struct Head;

/// How callers prove who they are.
struct Proofs;

impl utoipa::Modify for Proofs {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
        for (name, scheme) in [
            ("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
            ("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic))),
            ("session", session),
        ] {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// A new noun adds its routes here.
fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .merge(sessions::routes())
        .merge(users::routes())
        .merge(tokens::routes())
        .merge(organizations::routes())
        .merge(teams::routes())
        .merge(repositories::routes())
        .merge(customizations::routes())
        .merge(builds::routes())
        .merge(catalogs::routes())
        .merge(mirrors::routes())
        .merge(watch::routes())
        .merge(webhooks::routes())
        .merge(audit::routes())
}

fn described() -> (Router<Hub>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Head::openapi()).nest(ROOT, routes()).split_for_parts()
}

/// Returns the description of the API, OpenAPI 3.1.
pub fn description() -> utoipa::openapi::OpenApi {
    described().1
}

/// Returns the router of everything under `/api`.
///
/// Whoever serves it adds [`crate::Peer`] to each request.
pub fn router(hub: Hub) -> Router {
    let (routes, description) = described();
    let text = description.to_json().expect("the description is JSON");
    let description = get(move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    });
    routes
        .route(&format!("{ROOT}/openapi.json"), description)
        .route("/api", any(unknown))
        .route("/api/{*path}", any(unknown))
        .method_not_allowed_fallback(refused)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::map_response(guard))
        .with_state(hub)
}

async fn unknown() -> Response {
    let (status, detail) = (StatusCode::NOT_FOUND, "there is no such route".to_owned());
    let hint = Some(format!("`{ROOT}/openapi.json` describes all"));
    ApiError::Request { status, detail, hint }.into_response()
}

async fn refused() -> Response {
    let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, "the route has no such method".to_owned());
    let hint = Some(format!("`{ROOT}/openapi.json` describes all"));
    ApiError::Request { status, detail, hint }.into_response()
}

/// Answers are for who asked, now, and never for a browser to guess at.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
