//! `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: the last piece, or all of it, and the digest.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use temper_oci::Digest;

use super::Writing;
use super::append::append;
use crate::error::RegistryError;
use crate::headers::CONTENT_DIGEST;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// What the query says.
#[derive(Debug, Deserialize)]
pub(crate) struct FinishQuery {
    /// Digest of the whole blob.
    digest: Option<String>,
}

/// Ends an upload: the blob becomes visible if its digest is right, else everything is dropped.
///
/// See the distribution specification,
/// [end-6](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put).
pub(crate) async fn finish(
    registry: &Registry,
    repository: &RepositoryName,
    id: &str,
    query: FinishQuery,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RegistryError> {
    let upload = registry.uploads().get(repository, id, registry.now())?;
    let expected: Digest = query.digest.unwrap_or_default().parse()?;
    let writing = append(registry, &upload, upload.write()?, headers, body).await?;
    registry.uploads().close(&upload);
    commit(registry, repository, writing, expected).await
}

/// Moves staged bytes to their digest and shows them in the repository.
pub(super) async fn commit(
    registry: &Registry,
    repository: &RepositoryName,
    writing: Writing,
    expected: Digest,
) -> Result<Response, RegistryError> {
    let size_bytes = crate::storage::commit(writing, expected).await?;
    let repositories = registry.repositories();
    repositories.link_blob(repository.as_str(), expected, size_bytes, registry.now()).await?;
    Ok(created(repository, expected))
}

/// Answers that a blob is there.
pub(super) fn created(repository: &RepositoryName, digest: Digest) -> Response {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{digest}")),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}
