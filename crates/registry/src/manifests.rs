//! Manifests and indexes: by tag or digest, within one repository.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod publish;
pub(crate) mod put;

use temper_store::records::ManifestRecord;

use crate::error::RegistryError;
use crate::name::{ManifestReference, RepositoryName};
use crate::registry::Registry;

/// Finds the manifest that a path names; what is neither tag nor digest names none.
async fn find(
    registry: &Registry,
    repository: &RepositoryName,
    reference: &str,
) -> Result<ManifestRecord, RegistryError> {
    let repositories = registry.repositories();
    let found = match ManifestReference::parse(reference) {
        Some(ManifestReference::Digest(digest)) => {
            repositories.find_manifest(repository.as_str(), digest).await?
        }
        Some(ManifestReference::Tag(tag)) => {
            repositories.find_tagged_manifest(repository.as_str(), &tag).await?
        }
        None => None,
    };
    found.ok_or_else(|| unknown(repository, reference))
}

fn unknown(repository: &RepositoryName, reference: &str) -> RegistryError {
    RegistryError::ManifestUnknown { repository: repository.clone(), reference: reference.to_owned() }
}
