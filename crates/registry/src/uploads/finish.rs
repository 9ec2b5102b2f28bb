//! `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: the last piece, or all of it, and the digest.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use temper_oci::Digest;
use temper_store::storage::StorageError;

use super::append::append;
use super::{Upload, Uploads, Writing};
use crate::error::RegistryError;
use crate::headers::CONTENT_DIGEST;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::storage::{self, blocking};

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
    let upload = Uploads::get(registry, repository, id).await?;
    let expected: Digest = query.digest.unwrap_or_default().parse()?;
    let writing = append(registry, &upload, upload.write()?, headers, body).await?;
    commit(registry, &upload, writing, expected).await?;
    Ok(created(repository, expected))
}

/// Checks the digest of all bytes and makes them a blob; the upload ends with that, and with wrong bytes.
///
/// After a fault of the storage the upload stays, and a client may ask again.
pub(super) async fn commit(
    registry: &Registry,
    upload: &Upload,
    mut writing: Writing,
    expected: Digest,
) -> Result<(), RegistryError> {
    let (verified, writing) = blocking(move || Ok((writing.verify(expected), writing))).await?;
    let kept = match verified {
        Ok(()) => {
            storage::keep(registry, &upload.repository, &upload.id, &writing, (expected, &upload.quotas))
                .await
        }
        Err(error) => Err(StorageError::from(error).into()),
    };
    let kept = kept.map(drop).map_err(|error| match error {
        RegistryError::Storage(StorageError::Unstaged(id)) => RegistryError::UploadUnknown(id),
        error => error,
    });
    match &kept {
        Ok(()) => registry.uploads().close(&upload.id),
        Err(RegistryError::Storage(_) | RegistryError::Records(_)) => {}
        Err(RegistryError::Full(_)) => {
            registry.uploads().close(&upload.id);
            storage::discard_or_log(registry, &upload.id).await;
        }
        Err(_) => {
            registry.uploads().close(&upload.id);
            storage::discard(registry, &upload.id).await?;
        }
    }
    kept
}

/// Answers that a blob is there.
pub(super) fn created(repository: &RepositoryName, digest: Digest) -> Response {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{digest}")),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}
