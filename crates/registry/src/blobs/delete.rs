//! `DELETE /v2/<name>/blobs/<digest>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use temper_oci::Digest;

use crate::error::RegistryError;
use crate::events::{Author, Change};
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Hides a blob from the repository, unless a manifest there needs it; other repositories keep theirs.
///
/// See the distribution specification,
/// [end-10](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs).
pub(crate) async fn delete(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    digest: Digest,
) -> Result<Response, RegistryError> {
    if !registry.repositories().unlink_blob(repository.as_str(), digest).await? {
        return Err(RegistryError::BlobUnknown { repository: repository.clone(), digest });
    }
    registry.events().send(repository, author, Change::BlobRemoved { digest });
    Ok(StatusCode::ACCEPTED.into_response())
}
