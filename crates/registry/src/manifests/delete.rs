//! `DELETE /v2/<name>/manifests/<reference>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use temper_oci::Digest;
use temper_store::records::RemovedManifest;

use crate::error::RegistryError;
use crate::events::{Author, Change};
use crate::name::{ManifestReference, RepositoryName};
use crate::policy::ImmutableTags;
use crate::registry::Registry;

/// Removes a tag, or a manifest with all its tags; no immutable tag may lead to it.
///
/// See the distribution specification,
/// [end-9](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags).
pub(crate) async fn delete(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    reference: &str,
) -> Result<Response, RegistryError> {
    let immutable = registry.policy(repository).await?.immutable_tags;
    let is_removed = match ManifestReference::parse(reference) {
        Some(ManifestReference::Digest(digest)) => {
            remove_manifest(registry, repository, author, digest, &immutable).await?
        }
        Some(ManifestReference::Tag(tag)) => {
            remove_tag(registry, repository, author, &tag, &immutable).await?
        }
        None => false,
    };
    if is_removed {
        Ok(StatusCode::ACCEPTED.into_response())
    } else {
        Err(super::unknown(repository, reference))
    }
}

async fn remove_manifest(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    digest: Digest,
    immutable: &ImmutableTags,
) -> Result<bool, RegistryError> {
    let removed = registry.repositories();
    let removed = removed.remove_manifest(repository.as_str(), digest, |tag| immutable.holds(tag)).await?;
    let Some(RemovedManifest { media_type, tags }) = removed else { return Ok(false) };
    registry.events().send(repository, author, Change::ManifestRemoved { digest, media_type, tags });
    Ok(true)
}

/// Removes a tag, and says whether it was there.
pub(crate) async fn remove_tag(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    tag: &str,
    immutable: &ImmutableTags,
) -> Result<bool, RegistryError> {
    let repositories = registry.repositories();
    if immutable.holds(tag) {
        let Some(found) = repositories.find_tagged_manifest(repository.as_str(), tag).await? else {
            return Ok(false);
        };
        let (repository, tag) = (repository.clone(), tag.to_owned());
        return Err(RegistryError::ImmutableTag { repository, tag, digest: found.digest });
    }
    let removed = repositories.remove_tag(repository.as_str(), tag, registry.now()).await?;
    let Some(digest) = removed else { return Ok(false) };
    registry.events().send(repository, author, Change::TagRemoved { tag: tag.to_owned(), digest });
    Ok(true)
}
