//! Bodies of requests: read in pieces, bounded in size and in silence.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::error::RegistryError;

/// Bytes that are gathered before they are written: enough to make the change of threads cheap.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// How long they are gathered: what has arrived is soon on the disk, and the upload is known to be in use.
const PIECE_TIME_MAX: Duration = Duration::from_secs(1);

/// A body that arrives.
pub(crate) struct Pieces {
    stream: BodyDataStream,
    silence_max: Duration,
}

/// Some of a body, in order, and how it went on.
pub(crate) struct Piece {
    pub(crate) chunks: Vec<Bytes>,
    pub(crate) size_bytes: u64,
    /// Whether more may follow; an error comes with what arrived before it.
    pub(crate) more: Result<bool, RegistryError>,
}

impl Pieces {
    pub(crate) fn new(body: Body, silence_max: Duration) -> Self {
        Self { stream: body.into_data_stream(), silence_max }
    }

    /// Waits for the next piece: what fits into about `bytes_max`, what came in time, or the rest.
    pub(crate) async fn next(&mut self, bytes_max: usize) -> Piece {
        let mut chunks = Vec::new();
        let mut size = 0;
        let begun = Instant::now();
        while size < bytes_max && (size == 0 || begun.elapsed() < PIECE_TIME_MAX) {
            match self.chunk().await {
                Ok(Some(chunk)) => {
                    size += chunk.len();
                    chunks.push(chunk);
                }
                Ok(None) => return Piece { chunks, size_bytes: size as u64, more: Ok(false) },
                Err(error) => return Piece { chunks, size_bytes: size as u64, more: Err(error) },
            }
        }
        Piece { chunks, size_bytes: size as u64, more: Ok(true) }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        match timeout(self.silence_max, self.stream.next()).await {
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(_))) => Err(RegistryError::Body),
            Ok(None) => Ok(None),
            Err(_) => Err(RegistryError::Silent(self.silence_max)),
        }
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read_all(
    body: Body,
    what: &'static str,
    limit: usize,
    silence_max: Duration,
) -> Result<Bytes, RegistryError> {
    let mut pieces = Pieces::new(body, silence_max);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = pieces.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Err(RegistryError::TooLarge { what, limit: limit as u64 });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
