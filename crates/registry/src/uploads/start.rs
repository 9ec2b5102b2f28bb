//! `POST /v2/<name>/blobs/uploads/`: begin, or do it all at once, or mount from another repository.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use temper_oci::Digest;

use super::append::append;
use super::{Upload, Uploads, finish};
use crate::access::{Action, Decision};
use crate::error::RegistryError;
use crate::headers::UPLOAD_ID;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::router::Caller;
use crate::storage;

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
    let upload = Uploads::open(registry, repository).await?;
    let Some(expected) = expected else {
        let location = upload.location();
        let headers =
            [(header::LOCATION, location), (header::RANGE, "0-0".to_owned()), (UPLOAD_ID, upload.id.clone())];
        return Ok((StatusCode::ACCEPTED, headers).into_response());
    };
    // Nobody knows the id of this upload, so nothing can go on after a failure.
    let unfinished = Unfinished { registry, upload: &upload };
    let writing = append(registry, &upload, upload.write()?, headers, body).await?;
    finish::commit(registry, &upload, writing, expected).await?;
    std::mem::forget(unfinished);
    Ok(finish::created(repository, expected))
}

/// Discards an upload when its only request ends without a blob, or is dropped by a client that went away.
struct Unfinished<'a> {
    registry: &'a Registry,
    upload: &'a Upload,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.registry.uploads().close(&self.upload.id);
        let (registry, id) = (self.registry.clone(), self.upload.id.clone());
        tokio::spawn(async move { storage::discard_or_log(&registry, &id).await });
    }
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
    let quotas = registry.quotas(repository).await?;
    let mounted =
        repositories.mount_blob(from.as_str(), repository.as_str(), digest, &quotas, registry.now()).await?;
    Ok(mounted.is_some())
}
