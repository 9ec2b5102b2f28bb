//! Blobs: reading and removing them, by digest, within one repository.

pub(crate) mod delete;
pub(crate) mod get;
mod range;

use temper_oci::Digest;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Returns the size of a blob that the repository shows.
pub(crate) async fn size(
    registry: &Registry,
    repository: &RepositoryName,
    digest: Digest,
) -> Result<u64, RegistryError> {
    registry
        .repositories()
        .find_blob(repository.as_str(), digest)
        .await?
        .ok_or_else(|| RegistryError::BlobUnknown { repository: repository.clone(), digest })
}
