//! Documents that requests carry: JSON, of bounded size, without unknown keys.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};

use crate::problem::ApiError;

/// Most bytes of the body of a request: a folder of documents fits.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// The document that a request carries.
pub(crate) struct Document<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Document<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let read = Json::<T>::from_request(request, state).await;
        let Json(document) = read.map_err(|error| unreadable(&error))?;
        Ok(Self(document))
    }
}

fn unreadable(error: &JsonRejection) -> ApiError {
    let hint = match error {
        JsonRejection::MissingJsonContentType(_) => Some("send `Content-Type: application/json`".to_owned()),
        JsonRejection::JsonDataError(_) => Some("`/api/v1/openapi.json` describes every document".to_owned()),
        _ => None,
    };
    let status = error.status();
    // The first line tells what is wrong and where.
    let text = error.body_text();
    let detail = match text.split_once(": ") {
        Some((_, reason)) if status != StatusCode::PAYLOAD_TOO_LARGE => reason.to_owned(),
        _ => text,
    };
    ApiError::Request { status, detail: format!("the document cannot be read: {detail}"), hint }
}

/// Parts of the path of a request.
pub(crate) struct At<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        let Path(at) = read.map_err(|error: PathRejection| ApiError::request(error.body_text()))?;
        Ok(Self(at))
    }
}

/// What stands behind the `?` of a request.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) = read.map_err(|error: QueryRejection| ApiError::request(error.body_text()))?;
        Ok(Self(asked))
    }
}

/// Reads a field that may be absent, which leaves things as they are, or null, which takes something away:
/// `#[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]`.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
