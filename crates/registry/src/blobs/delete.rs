//! `DELETE /v2/<name>/blobs/<digest>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use temper_oci::Digest;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Hides a blob from the repository, unless a manifest there needs it; other repositories keep theirs.
///
/// See the distribution specification,
/// [end-10](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs).
pub(crate) async fn delete(
    registry: &Registry,
    repository: &RepositoryName,
    digest: Digest,
) -> Result<Response, RegistryError> {
    if registry.repositories().unlink_blob(repository.as_str(), digest).await? {
        Ok(StatusCode::ACCEPTED.into_response())
    } else {
        Err(RegistryError::BlobUnknown { repository: repository.clone(), digest })
    }
}
