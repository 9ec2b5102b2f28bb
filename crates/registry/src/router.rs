//! The router: path and method to end point, after asking whether the caller may.

use std::net::IpAddr;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde::de::DeserializeOwned;
use temper_oci::Digest;
use tokio::time::timeout;

use crate::access::{AccessRequest, Action, Decision};
use crate::body::announced_bytes;
use crate::error::RegistryError;
use crate::events::Author;
use crate::frontage::Visitor;
use crate::headers::{API_VERSION, value};
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::route::{Route, Unroutable};
use crate::{blobs, catalog, manifests, referrers, tags, uploads};

/// Most characters of a path that a log gets.
const LOGGED_PATH_LENGTH_MAX: usize = 300;

/// Returns the router of everything under `/v2/`.
///
/// The peer's address is known to [`crate::Access`] only if the server adds `ConnectInfo<SocketAddr>` to its
/// requests, as [`crate::serve`] does. [`crate::Frontage::layer`] adds what proxies say.
pub fn router(registry: Registry) -> Router {
    Router::new()
        .route("/v2", any(answer))
        .route("/v2/", any(answer))
        .route("/v2/{*path}", any(answer))
        .with_state(registry)
}

async fn answer(
    State(registry): State<Registry>,
    path: Result<Option<Path<String>>, PathRejection>,
    request: Request,
) -> Response {
    let (peer, method) = (Visitor::of(&request).peer, request.method().clone());
    let shown = request.uri().path().to_owned();
    let answered = match path {
        Ok(Some(Path(path))) => handle(&registry, &path, request).await,
        Ok(None) => handle(&registry, "", request).await,
        // Not text once its escapes are undone.
        Err(_) => Err(RegistryError::Name(shown.clone())),
    };
    let mut response = answered.unwrap_or_else(|error| {
        log_refusal(&error, peer, &method, &shown);
        error.into_response()
    });
    response.headers_mut().insert(API_VERSION, value("registry/2.0"));
    // Content comes from whoever may push; a browser must not take it for a page of this site.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    response
}

/// Notes who was refused what: aloud where a bound was met.
fn log_refusal(error: &RegistryError, peer: Option<IpAddr>, method: &Method, path: &str) {
    let path: String = path.chars().take(LOGGED_PATH_LENGTH_MAX).collect();
    let code = error.status().1.as_str();
    let peer = peer.map(tracing::field::display);
    if error.is_bound() {
        tracing::warn!(peer.address = peer, request.method = %method, request.path = ?path, error.code = code, error = %error, "request refused");
    } else {
        tracing::debug!(peer.address = peer, request.method = %method, request.path = ?path, error.code = code, error = %error, "request refused");
    }
}

async fn handle(registry: &Registry, path: &str, request: Request) -> Result<Response, RegistryError> {
    let announced = announced_bytes(request.body());
    let route = Route::parse(path).map_err(|unroutable| match unroutable {
        Unroutable::Path => RegistryError::Path,
        Unroutable::Name(name) => RegistryError::Name(name.to_owned()),
    })?;
    let carries_blob = matches!(route, Route::Uploads(_) | Route::Upload(..));
    refuse_too_much(registry, &route, announced)?;
    let caller = Caller::of(&request);
    let target = target(&route, request.method());
    let author = caller.check(registry, target).await?;
    let work = dispatch(registry, (&caller, &author), route, request);
    if carries_blob {
        // Bounded by size and silence instead: a large blob may take hours.
        return work.await;
    }
    let longest = registry.limits().request_time_max;
    timeout(longest, work).await.unwrap_or(Err(RegistryError::Silent(longest)))
}

/// Tells who announces what nobody may send, before anything of it is read; an upload sees to that itself, and ends.
fn refuse_too_much(registry: &Registry, route: &Route<'_>, announced: u64) -> Result<(), RegistryError> {
    let limits = registry.limits();
    let (what, limit) = match route {
        Route::Upload(..) => return Ok(()),
        Route::Uploads(_) => ("blob", limits.blob_bytes_max),
        _ => ("manifest", limits.manifest_bytes_max as u64),
    };
    if announced > limit { Err(RegistryError::TooLarge { what, limit }) } else { Ok(()) }
}

async fn dispatch(
    registry: &Registry,
    (caller, author): (&Caller, &Author),
    route: Route<'_>,
    request: Request,
) -> Result<Response, RegistryError> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let with_body = parts.method == Method::GET;
    let refuse = |allowed| Err(RegistryError::Method { allowed });
    match (route, &parts.method) {
        (Route::Base, &Method::GET | &Method::HEAD) => Ok(base()),
        (Route::Catalog, &Method::GET) => catalog::list(registry, caller, query(&parts)?).await,
        (Route::Blob(name, digest), &Method::GET | &Method::HEAD) => {
            blobs::get::get(registry, &name, digest.parse()?, headers, with_body).await
        }
        (Route::Blob(name, digest), &Method::DELETE) => {
            blobs::delete::delete(registry, &name, author, digest.parse()?).await
        }
        (Route::Uploads(name), &Method::POST) => {
            uploads::start::start(registry, &name, caller, query(&parts)?, headers, body).await
        }
        (Route::Upload(name, id), &Method::GET) => uploads::status::status(registry, &name, id).await,
        (Route::Upload(name, id), &Method::PATCH) => {
            uploads::patch::patch(registry, &name, id, headers, body).await
        }
        (Route::Upload(name, id), &Method::PUT) => {
            uploads::finish::finish(registry, &name, id, query(&parts)?, headers, body).await
        }
        (Route::Upload(name, id), &Method::DELETE) => uploads::cancel::cancel(registry, &name, id).await,
        (Route::Manifest(name, reference), &Method::GET | &Method::HEAD) => {
            manifests::get::get(registry, &name, reference, headers, with_body).await
        }
        (Route::Manifest(name, reference), &Method::PUT) => {
            manifests::put::put(registry, &name, author, (reference, query(&parts)?), headers, body).await
        }
        (Route::Manifest(name, reference), &Method::DELETE) => {
            manifests::delete::delete(registry, &name, author, reference).await
        }
        (Route::Tags(name), &Method::GET) => tags::list(registry, &name, query(&parts)?).await,
        (Route::Referrers(name, digest), &Method::GET) => {
            let subject: Digest = digest.parse()?;
            referrers::list(registry, &name, subject, query(&parts)?).await
        }
        (Route::Base, _) => refuse("GET, HEAD"),
        (Route::Blob(..), _) => refuse("GET, HEAD, DELETE"),
        (Route::Uploads(_), _) => refuse("POST"),
        (Route::Upload(..), _) => refuse("GET, PATCH, PUT, DELETE"),
        (Route::Manifest(..), _) => refuse("GET, HEAD, PUT, DELETE"),
        (Route::Catalog | Route::Tags(_) | Route::Referrers(..), _) => refuse("GET"),
    }
}

/// Answers that this is a registry and that the caller is welcome.
///
/// See the distribution specification,
/// [end-1](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support).
fn base() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], "{}").into_response()
}

fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, RegistryError> {
    Query::try_from_uri(&parts.uri).map(|Query(query)| query).map_err(|_| RegistryError::Query)
}

/// Says which right a request needs.
fn target<'a>(route: &'a Route<'_>, method: &Method) -> Option<(&'a RepositoryName, Action)> {
    let reads = matches!(method, &Method::GET | &Method::HEAD);
    match route {
        Route::Base | Route::Catalog => None,
        Route::Uploads(name) | Route::Upload(name, _) => Some((name, Action::Push)),
        Route::Blob(name, _) | Route::Manifest(name, _) | Route::Tags(name) | Route::Referrers(name, _) => {
            let action = match method {
                _ if reads => Action::Pull,
                &Method::DELETE => Action::Delete,
                _ => Action::Push,
            };
            Some((name, action))
        }
    }
}

/// Who made a request, as far as the connection and the headers tell.
pub(crate) struct Caller {
    visitor: Visitor,
    authorization: Option<String>,
}

impl Caller {
    fn of(request: &Request) -> Self {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { visitor: Visitor::of(request), authorization }
    }

    /// Asks whether the caller may do this.
    pub(crate) async fn decide(
        &self,
        registry: &Registry,
        target: Option<(&RepositoryName, Action)>,
    ) -> Result<Decision, RegistryError> {
        Ok(registry.access().decide(AccessRequest { target, ..self.request() }).await?)
    }

    /// Asks which of some repositories the caller may see in a list.
    pub(crate) async fn list(
        &self,
        registry: &Registry,
        names: Vec<RepositoryName>,
    ) -> Result<Vec<RepositoryName>, RegistryError> {
        Ok(registry.access().list(self.request(), names).await?)
    }

    fn request(&self) -> AccessRequest<'_> {
        let Visitor { peer, is_local, origin } = &self.visitor;
        let authorization = self.authorization.as_deref();
        AccessRequest { peer: *peer, is_local: *is_local, origin, authorization, target: None }
    }

    async fn check(
        &self,
        registry: &Registry,
        target: Option<(&RepositoryName, Action)>,
    ) -> Result<Author, RegistryError> {
        match (self.decide(registry, target).await?, target) {
            (Decision::Allowed(actor), _) => Ok(Author { actor, peer: self.visitor.peer }),
            (Decision::Unauthenticated { challenge }, _) => Err(RegistryError::Unauthorized { challenge }),
            (Decision::Denied, Some((name, _))) => Err(RegistryError::Denied(name.clone())),
            (Decision::Hidden, Some((name, _))) => Err(RegistryError::NameUnknown(name.clone())),
            (Decision::Denied | Decision::Hidden, None) => Err(RegistryError::Path),
        }
    }
}
