//! `POST /v2/<name>/blobs/uploads/`: begin, or do it all at once, or mount from another repository.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use temper_oci::Digest;

use super::append::append;
use super::finish;
use crate::access::{Action, Decision};
use crate::error::RegistryError;
use crate::headers::UPLOAD_ID;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::router::Caller;
use crate::storage::Staged;

/// What the query may say.
#[derive(Debug, Deserialize)]
pub(crate) struct StartQuery {
    /// Digest of a blob that the body holds in full.
    digest: Option<String>,
    /// Digest of a blob to mount.
    mount: Option<String>,
    /// The repository to mount it from; any that the caller may pull from where none is given.
    from: Option<String>,
}

/// Begins an upload.
///
/// See the distribution specification, [end-4a, end-4b](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs)
/// and [end-11](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository).
/// A blob that cannot be mounted is uploaded instead.
pub(crate) async fn start(
    registry: &Registry,
    repository: &RepositoryName,
    caller: &Caller,
    query: StartQuery,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RegistryError> {
    if let Some(digest) = &query.mount {
        let digest: Digest = digest.parse()?;
        for from in sources(registry, digest, query.from).await? {
            if mount(registry, repository, caller, digest, &from).await? {
                return Ok(finish::created(repository, digest));
            }
        }
    }
    let expected: Option<Digest> = query.digest.as_deref().map(str::parse).transpose()?;
    let staged = Staged::create(registry.blobs()).await?;
    let upload = registry.uploads().open(repository, staged, registry.now())?;
    let Some(expected) = expected else {
        let location = upload.location();
        let headers =
            [(header::LOCATION, location), (header::RANGE, "0-0".to_owned()), (UPLOAD_ID, upload.id.clone())];
        return Ok((StatusCode::ACCEPTED, headers).into_response());
    };
    let appended = append(registry, &upload, upload.write()?, headers, body).await;
    // Nobody knows the id of this upload, so nothing can go on after a failure.
    registry.uploads().close(&upload);
    finish::commit(registry, repository, appended?, expected).await
}

/// The repositories to try to mount a blob from.
async fn sources(
    registry: &Registry,
    digest: Digest,
    from: Option<String>,
) -> Result<Vec<String>, RegistryError> {
    if let Some(from) = from {
        return Ok(vec![from]);
    }
    let sources_max = registry.limits().mount_sources_max;
    Ok(registry.repositories().list_repositories_of_blob(digest, sources_max).await?)
}

/// Mounts a blob if the caller may pull it from there and it is there; what it may not know is not there.
async fn mount(
    registry: &Registry,
    repository: &RepositoryName,
    caller: &Caller,
    digest: Digest,
    from: &str,
) -> Result<bool, RegistryError> {
    let Some(from) = RepositoryName::parse(from) else { return Ok(false) };
    let Decision::Allowed(_) = caller.decide(registry, Some((&from, Action::Pull))).await? else {
        return Ok(false);
    };
    let repositories = registry.repositories();
    let mounted = repositories.mount_blob(from.as_str(), repository.as_str(), digest, registry.now()).await?;
    Ok(mounted.is_some())
}
