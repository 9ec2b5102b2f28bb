//! The REST API as part of the server: it learns from the registry's frontage where requests come from.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use temper_hub::Hub;
use temper_registry::Visitor;
use temper_web::Peer;

/// Returns the router of the API over a hub.
pub(super) fn router(hub: Hub) -> Router {
    temper_web::router(hub).layer(middleware::from_fn(|mut request: Request, next: Next| {
        let Visitor { peer, origin, .. } = Visitor::of(&request);
        request.extensions_mut().insert(Peer { address: peer, origin });
        next.run(request)
    }))
}
