//! `GET /v2/<name>/blobs/uploads/<id>`: how far an upload is.

use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{Upload, Uploads};
use crate::error::RegistryError;
use crate::headers::UPLOAD_ID;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// Tells where a client goes on after a broken request.
///
/// See the distribution specification,
/// [end-13](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks).
pub(crate) async fn status(
    registry: &Registry,
    repository: &RepositoryName,
    id: &str,
) -> Result<Response, RegistryError> {
    let upload = Uploads::get(registry, repository, id).await?;
    // A request that broke may still hold the right to write, until its silence is noticed.
    let size_bytes = upload.arrived_bytes.load(Ordering::Relaxed);
    Ok(progress(&upload, size_bytes, StatusCode::NO_CONTENT))
}

/// Answers with the upload's place and the range of bytes it has; an empty one cannot be written otherwise than
/// `0-0`.
pub(super) fn progress(upload: &Upload, size_bytes: u64, status: StatusCode) -> Response {
    let headers = [
        (header::LOCATION, upload.location()),
        (header::RANGE, format!("0-{}", size_bytes.saturating_sub(1))),
        (UPLOAD_ID, upload.id.clone()),
    ];
    (status, headers).into_response()
}
