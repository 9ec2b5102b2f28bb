//! `GET` and `HEAD /v2/<name>/blobs/<digest>`.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use temper_oci::Digest;
use temper_store::records::StoredBlob;
use temper_store::storage::StorageError;

use super::range::{Wanted, wanted};
use crate::error::RegistryError;
use crate::limits::micros;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Answers with a blob or a part of it; `with_body` is false for `HEAD`.
///
/// See the distribution specification,
/// [end-2](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs).
pub(crate) async fn get(
    registry: &Registry,
    repository: &RepositoryName,
    digest: Digest,
    headers: &HeaderMap,
    with_body: bool,
) -> Result<Response, RegistryError> {
    let blob = super::find(registry, repository, digest).await?;
    if !with_body {
        touch(registry, repository, digest, &blob).await?;
    }
    let size_bytes = blob.size_bytes;
    // Ranges are for `GET` alone (RFC 9110, section 14.2).
    let header = headers.get(header::RANGE).filter(|_| with_body).and_then(|value| value.to_str().ok());
    let (status, part) = match wanted(header, size_bytes) {
        Wanted::All => (StatusCode::OK, 0..size_bytes),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Outside => return Err(RegistryError::Range { size_bytes }),
    };
    let length = part.end - part.start;
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, format!("\"{digest}\"")),
            // What a digest names never changes.
            (header::CACHE_CONTROL, "max-age=31536000, immutable".to_owned()),
            (crate::headers::CONTENT_DIGEST, digest.to_string()),
        ],
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
        response.headers_mut().insert(header::CONTENT_RANGE, crate::headers::value(&range));
    }
    if with_body {
        let bytes = registry.storage().read(&blob.storage_key, part).await;
        *response.body_mut() = Body::from_stream(bytes.map_err(|error| lost(repository, digest, error))?);
    }
    Ok(response)
}

/// A blob whose bytes are gone is not there, for clients; the operator is told.
fn lost(repository: &RepositoryName, digest: Digest, error: StorageError) -> RegistryError {
    if !matches!(error, StorageError::Missing(_)) {
        return error.into();
    }
    let cause = &error as &dyn std::error::Error;
    tracing::error!(
        repository.name = %repository, blob.digest = %digest, error = cause,
        "blob is lost; `temper registry check` lets clients push it again"
    );
    RegistryError::BlobUnknown { repository: repository.clone(), digest }
}

/// Keeps a blob from the collector for as long as one that was just pushed: who asks whether it is there may be about
/// to push a manifest that names it.
async fn touch(
    registry: &Registry,
    repository: &RepositoryName,
    digest: Digest,
    blob: &StoredBlob,
) -> Result<(), RegistryError> {
    let at = registry.now();
    if at.saturating_sub(blob.touched_at) < micros(registry.limits().touch_interval)
        || registry.repositories().touch_blob(repository.as_str(), digest, at).await?
    {
        return Ok(());
    }
    Err(RegistryError::BlobUnknown { repository: repository.clone(), digest })
}
