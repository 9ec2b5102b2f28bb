//! `GET` and `HEAD /v2/<name>/manifests/<reference>`.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::RegistryError;
use crate::headers::CONTENT_DIGEST;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Answers with a manifest's bytes as they were pushed; `with_body` is false for `HEAD`.
///
/// See the distribution specification,
/// [end-3](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests).
/// There is one form of each manifest, so `Accept` is not read.
pub(crate) async fn get(
    registry: &Registry,
    repository: &RepositoryName,
    reference: &str,
    headers: &HeaderMap,
    with_body: bool,
) -> Result<Response, RegistryError> {
    let record = super::find(registry, repository, reference).await?;
    let tag = format!("\"{}\"", record.digest);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let answer = [
        (header::CONTENT_TYPE, record.media_type.clone()),
        (header::ETAG, tag),
        (CONTENT_DIGEST, record.digest.to_string()),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    let length = [(header::CONTENT_LENGTH, record.size_bytes.to_string())];
    let mut response = (StatusCode::OK, answer, length).into_response();
    if with_body {
        let bytes = registry.repositories().read_manifest(repository.as_str(), record.digest).await?;
        *response.body_mut() = Body::from(bytes.ok_or_else(|| super::unknown(repository, reference))?);
    }
    Ok(response)
}
