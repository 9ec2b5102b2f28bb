//! `DELETE /v2/<name>/manifests/<reference>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use temper_store::records::RemovedManifest;

use crate::error::RegistryError;
use crate::events::{Author, Change};
use crate::name::{ManifestReference, RepositoryName};
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
    let repositories = registry.repositories();
    let immutable = registry.policy(repository).await?.immutable_tags;
    let change = match ManifestReference::parse(reference) {
        Some(ManifestReference::Digest(digest)) => repositories
            .remove_manifest(repository.as_str(), digest, |tag| immutable.holds(tag))
            .await?
            .map(|RemovedManifest { media_type, tags }| Change::ManifestRemoved { digest, media_type, tags }),
        Some(ManifestReference::Tag(tag)) if immutable.holds(&tag) => {
            let found = repositories.find_tagged_manifest(repository.as_str(), &tag).await?;
            let digest = found.ok_or_else(|| super::unknown(repository, reference))?.digest;
            return Err(RegistryError::ImmutableTag { repository: repository.clone(), tag, digest });
        }
        Some(ManifestReference::Tag(tag)) => {
            let digest = repositories.remove_tag(repository.as_str(), &tag, registry.now()).await?;
            digest.map(|digest| Change::TagRemoved { tag, digest })
        }
        None => None,
    };
    let change = change.ok_or_else(|| super::unknown(repository, reference))?;
    registry.events().send(repository, author, change);
    Ok(StatusCode::ACCEPTED.into_response())
}
