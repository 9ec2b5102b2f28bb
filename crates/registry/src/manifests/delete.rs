//! `DELETE /v2/<name>/manifests/<reference>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::error::RegistryError;
use crate::events::Change;
use crate::name::{ManifestReference, RepositoryName};
use crate::registry::Registry;

/// Removes a tag, or a manifest with all its tags.
///
/// See the distribution specification,
/// [end-9](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags).
pub(crate) async fn delete(
    registry: &Registry,
    repository: &RepositoryName,
    reference: &str,
) -> Result<Response, RegistryError> {
    let repositories = registry.repositories();
    let change = match ManifestReference::parse(reference) {
        Some(ManifestReference::Digest(digest)) => repositories
            .remove_manifest(repository.as_str(), digest)
            .await?
            .then_some(Change::ManifestRemoved { digest }),
        Some(ManifestReference::Tag(tag)) => {
            repositories.remove_tag(repository.as_str(), &tag).await?.map(|_| Change::TagRemoved { tag })
        }
        None => None,
    };
    let change = change.ok_or_else(|| super::unknown(repository, reference))?;
    registry.events().send(repository, change);
    Ok(StatusCode::ACCEPTED.into_response())
}
