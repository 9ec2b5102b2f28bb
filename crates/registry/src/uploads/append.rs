//! Adding the body of a request to an upload.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use temper_store::storage::StorageError;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Upload, Writing};
use crate::body::Pieces;
use crate::error::RegistryError;
use crate::registry::Registry;
use crate::storage::{self, blocking};

/// Adds a body at the upload's end; the next piece arrives while one is written.
///
/// After an error the upload holds what arrived, and a client goes on from there; but what there is no room for can
/// never become a blob, and is dropped.
pub(super) async fn append(
    registry: &Registry,
    upload: &Upload,
    writing: Writing,
    headers: &HeaderMap,
    body: Body,
) -> Result<Writing, RegistryError> {
    let mut pieces = Pieces::new(body, registry.limits().body_patience());
    let appended = add(registry, upload, writing, headers, &mut pieces).await;
    match &appended {
        Ok(_) => {}
        Err(RegistryError::TooLarge { .. } | RegistryError::Quota { .. }) => {
            registry.uploads().close(&upload.id);
            storage::discard(registry, &upload.id).await?;
        }
        Err(RegistryError::Full(_)) => {
            registry.uploads().close(&upload.id);
            storage::discard_or_log(registry, &upload.id).await;
            pieces.forget_rest().await;
        }
        Err(_) => upload.rest(registry).await?,
    }
    appended
}

async fn add(
    registry: &Registry,
    upload: &Upload,
    mut writing: Writing,
    headers: &HeaderMap,
    pieces: &mut Pieces,
) -> Result<Writing, RegistryError> {
    let limits = registry.limits();
    let start = writing.size_bytes();
    let announced = content_range(headers)?;
    if let Some((first, _)) = announced
        && first != start
    {
        return Err(RegistryError::UploadRange { offset: start, start: first, location: upload.location() });
    }
    let end = announced.map(|(_, last)| last + 1);
    let too_large = RegistryError::TooLarge { what: "blob", limit: limits.blob_bytes_max };
    // Who announces too much is told before it sends.
    let announced_bytes = start.saturating_add(pieces.announced_bytes());
    if announced_bytes > limits.blob_bytes_max {
        return Err(too_large);
    }
    let mut room_bytes = upload.room(registry, announced_bytes).await?;
    let sharing = registry.uploads().share(limits.pieces_bytes_max);
    let mut piece = pieces.next(sharing.piece_bytes()).await;
    let mut size_bytes = start;
    loop {
        size_bytes += piece.size_bytes;
        if let Some(end) = end.filter(|end| size_bytes > *end) {
            take_back(registry, upload, writing, start).await?;
            return Err(RegistryError::Size { expected: end - start, actual: size_bytes - start });
        }
        if size_bytes > limits.blob_bytes_max {
            return Err(too_large);
        }
        if size_bytes > room_bytes {
            room_bytes = upload.room(registry, size_bytes).await?;
        }
        let writer = write(upload, writing, piece.chunks);
        if !matches!(piece.more, Ok(true)) {
            writing = written(writer).await?;
            piece.more?;
            break;
        }
        piece = pieces.next(sharing.piece_bytes()).await;
        writing = written(writer).await?;
        if upload.touch(registry).await? {
            // Other uploads have gone on as well.
            room_bytes = upload.room(registry, size_bytes).await?;
        }
    }
    match end {
        Some(end) if end != size_bytes => {
            take_back(registry, upload, writing, start).await?;
            Err(RegistryError::Size { expected: end - start, actual: size_bytes - start })
        }
        _ => Ok(writing),
    }
}

/// Brings an upload back to where a request began that was not what its head said.
async fn take_back(
    registry: &Registry,
    upload: &Upload,
    mut writing: Writing,
    start: u64,
) -> Result<(), RegistryError> {
    if writing.size_bytes() == start {
        return Ok(());
    }
    let arrived = Arc::clone(&upload.arrived_bytes);
    let taken = blocking(move || {
        writing.truncate(start)?;
        arrived.store(start, Ordering::Relaxed);
        Ok(())
    });
    // Where the disk fails, the next request takes up the file as it is.
    taken.await.inspect_err(|_| registry.uploads().close(&upload.id))
}

/// Begins to write on a blocking thread, which ends its work even if the request is dropped.
fn write(
    upload: &Upload,
    mut writing: Writing,
    chunks: Vec<Bytes>,
) -> JoinHandle<Result<Writing, RegistryError>> {
    let arrived = Arc::clone(&upload.arrived_bytes);
    spawn_blocking(move || {
        for chunk in &chunks {
            let written = writing.write(chunk);
            // Also what a full disk took of it.
            arrived.store(writing.size_bytes(), Ordering::Relaxed);
            written.map_err(StorageError::from)?;
        }
        Ok(writing)
    })
}

async fn written(writer: JoinHandle<Result<Writing, RegistryError>>) -> Result<Writing, RegistryError> {
    writer.await.map_err(|stopped| StorageError::Interrupted(stopped.into()))?
}

/// Reads `Content-Range` as the distribution specification writes it: `<first>-<last>`, without a unit.
pub(crate) fn content_range(headers: &HeaderMap) -> Result<Option<(u64, u64)>, RegistryError> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    let range = text.strip_prefix("bytes ").unwrap_or(&text);
    let range = range.split_once('/').map_or(range, |(range, _)| range);
    range
        .split_once('-')
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)))
        .filter(|(first, last): &(u64, u64)| first <= last && *last < u64::MAX)
        .map(Some)
        .ok_or_else(|| RegistryError::UploadHeader { header: "Content-Range", value: text.into_owned() })
}
