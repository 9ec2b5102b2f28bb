//! Blobs: reading and removing them, by digest, within one repository.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod range;

use temper_oci::Digest;
use temper_store::records::StoredBlob;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Finds a blob that the repository shows.
async fn find(
    registry: &Registry,
    repository: &RepositoryName,
    digest: Digest,
) -> Result<StoredBlob, RegistryError> {
    registry
        .repositories()
        .find_blob(repository.as_str(), digest)
        .await?
        .ok_or_else(|| RegistryError::BlobUnknown { repository: repository.clone(), digest })
}
