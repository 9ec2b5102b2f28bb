//! `DELETE /v2/<name>/blobs/uploads/<id>`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::Uploads;
use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::storage;

/// Drops an upload and its bytes.
///
/// See the distribution specification,
/// [end-14](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#cancel-a-blob-upload).
pub(crate) async fn cancel(
    registry: &Registry,
    repository: &RepositoryName,
    id: &str,
) -> Result<Response, RegistryError> {
    let upload = Uploads::get(registry, repository, id).await?;
    // A request that is still writing would show the client's own blob after all.
    let _writing = upload.write()?;
    registry.uploads().close(id);
    storage::discard(registry, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
