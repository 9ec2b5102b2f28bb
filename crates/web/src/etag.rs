//! Versions of things: `ETag` in answers, `If-Match` in edits.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::ApiError;

/// A thing with its version.
pub(crate) struct Versioned<T> {
    /// Counts the changes.
    pub(crate) version: i64,
    /// The thing.
    pub(crate) document: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.document).into_response();
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.version));
        response.headers_mut().insert(header::ETAG, tag.expect("a number in quotes is a header"));
        response
    }
}

/// The version that an edit is of; nothing where it is of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or("?").trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let number = number.and_then(|digits| digits.parse().ok());
        number.map(|number| Self(Some(number))).ok_or_else(|| {
            ApiError::request(format!("`If-Match: {text}` is not what an answer had as `ETag`"))
        })
    }
}
