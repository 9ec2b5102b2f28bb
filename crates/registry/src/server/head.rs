//! Heads of requests: one host, and not too long.

use axum::extract::Request;
use axum::http::{HeaderMap, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::RegistryError;
use crate::frontage::Visitor;

/// Bytes of a line of a head beside name and value.
const LINE_BYTES: usize = ": \r\n".len();

/// Passes a request on whose head is as it should be.
pub(super) async fn check(headers_bytes_max: usize, request: Request, next: Next) -> Response {
    let Err(error) = judge(headers_bytes_max, &request) else { return next.run(request).await };
    let peer = Visitor::of(&request).peer.map(tracing::field::display);
    tracing::warn!(peer.address = peer, error = %error, "request refused");
    error.into_response()
}

fn judge(headers_bytes_max: usize, request: &Request) -> Result<(), RegistryError> {
    // Required of servers by RFC 9112, section 3.2: who reads another host than a proxy before it is led astray.
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() >= Version::HTTP_11) {
        return Err(RegistryError::Host);
    }
    if bytes(request.headers()) > headers_bytes_max {
        return Err(RegistryError::Headers(headers_bytes_max));
    }
    Ok(())
}

/// Returns how long a block of headers is as it was sent, about.
fn bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + LINE_BYTES).sum()
}
