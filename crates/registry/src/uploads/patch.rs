//! `PATCH /v2/<name>/blobs/uploads/<id>`: the next piece.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;

use super::Uploads;
use super::append::append;
use super::status::progress;
use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Adds a piece of known or unknown length.
///
/// See the distribution specification,
/// [end-5](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks).
pub(crate) async fn patch(
    registry: &Registry,
    repository: &RepositoryName,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RegistryError> {
    let upload = Uploads::get(registry, repository, id).await?;
    let writing = append(registry, &upload, upload.write()?, headers, body).await?;
    upload.rest(registry).await?;
    Ok(progress(&upload, writing.size_bytes(), axum::http::StatusCode::ACCEPTED))
}
