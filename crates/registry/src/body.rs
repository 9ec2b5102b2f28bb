//! Bodies of requests: read in pieces, bounded in size and in silence.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use crate::error::RegistryError;
use crate::patience::Patience;

/// Bytes that are gathered before they are written: enough to make the change of threads cheap.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// Chunks that are gathered: each takes memory of its own, also when it holds one byte.
const PIECE_CHUNKS_MAX: usize = 1024;

/// How long they are gathered: what has arrived is soon on the disk, and the upload is known to be in use.
const PIECE_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes of a refused body that are read away.
const FORGOTTEN_BYTES_MAX: usize = 64 << 20;

/// How long a refused body is read away.
const FORGOTTEN_TIME_MAX: Duration = Duration::from_secs(5);

/// A body that arrives.
pub(crate) struct Pieces {
    stream: BodyDataStream,
    announced_bytes: u64,
    patience: Patience,
}

/// Some of a body, in order, and how it went on.
pub(crate) struct Piece {
    pub(crate) chunks: Vec<Bytes>,
    pub(crate) size_bytes: u64,
    /// Whether more may follow; an error comes with what arrived before it.
    pub(crate) more: Result<bool, RegistryError>,
}

impl Pieces {
    pub(crate) fn new(body: Body, patience: Patience) -> Self {
        Self { announced_bytes: announced_bytes(&body), stream: body.into_data_stream(), patience }
    }

    /// Returns how many bytes were announced.
    pub(crate) fn announced_bytes(&self) -> u64 {
        self.announced_bytes
    }

    /// Reads what is still on its way and forgets it, within bounds: a client that sends before it listens would else
    /// find its connection reset instead of the answer.
    ///
    /// Follows [RFC 9112 §9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
    pub(crate) async fn forget_rest(mut self) {
        let mut forgotten = 0;
        let forget = async {
            while let Ok(Some(chunk)) = self.chunk().await {
                forgotten += chunk.len();
                if forgotten >= FORGOTTEN_BYTES_MAX {
                    break;
                }
            }
        };
        // Who is still sending then is not heard out.
        let _ = timeout(FORGOTTEN_TIME_MAX, forget).await;
    }

    /// Waits for the next piece: what fits into about `bytes_max`, what came in time, or the rest.
    pub(crate) async fn next(&mut self, bytes_max: usize) -> Piece {
        let mut chunks = Vec::new();
        let mut size = 0;
        let begun = Instant::now();
        let is_early = |size: usize| size == 0 || begun.elapsed() < PIECE_TIME_MAX;
        while size < bytes_max && chunks.len() < PIECE_CHUNKS_MAX && is_early(size) {
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
        let (asked, left) = (Instant::now(), self.patience.left());
        let chunk = match timeout(left, self.stream.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => return Err(RegistryError::Body),
            Ok(None) => return Ok(None),
            Err(_) => return Err(RegistryError::Silent(left)),
        };
        self.patience.spend(asked.elapsed(), chunk.len());
        Ok(Some(chunk))
    }
}

/// Returns how many bytes a body announces; at least so many come, or it breaks off.
pub(crate) fn announced_bytes(body: &Body) -> u64 {
    body.size_hint().lower()
}

/// Reads a whole body of at most `limit` bytes; of one that announces more, nothing is read.
pub(crate) async fn read_all(
    body: Body,
    what: &'static str,
    limit: usize,
    patience: Patience,
) -> Result<Bytes, RegistryError> {
    let too_large = || RegistryError::TooLarge { what, limit: limit as u64 };
    if announced_bytes(&body) > limit as u64 {
        return Err(too_large());
    }
    let mut pieces = Pieces::new(body, patience);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = pieces.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// A body of chunks of this size, each after a wait.
    fn slow(count: usize, size: usize, wait: Duration) -> Body {
        let chunk = Ok::<_, Infallible>(Bytes::from(vec![0; size]));
        let chunks = stream::iter(std::iter::repeat_n(chunk, count));
        Body::from_stream(chunks.then(move |chunk| async move {
            sleep(wait).await;
            chunk
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_and_a_slow_line_does_not() {
        for (size, expected) in [(1, None), (99, None), (100, Some(10_000)), (500, Some(50_000))] {
            let patience = Patience::new(Duration::from_secs(10), 100);
            let body = slow(100, size, Duration::from_secs(1));
            let read = read_all(body, "test", 1 << 20, patience).await;
            match (read, expected) {
                (Ok(bytes), Some(expected)) => assert_eq!(bytes.len(), expected),
                (Err(RegistryError::Silent(_)), None) if size == 1 => {}
                // Almost fast enough lasts this long on the patience that it began with.
                (Ok(bytes), None) => assert_eq!((bytes.len(), size), (9900, 99)),
                (read, _) => panic!("{size}: {read:?}"),
            }
        }
    }

    #[tokio::test]
    async fn pieces_are_bounded_in_bytes_and_chunks() {
        let patience = || Patience::new(Duration::from_secs(10), 100);
        for (size, asked, expected) in [
            (1, PIECE_BYTES, PIECE_CHUNKS_MAX),
            (32 << 10, PIECE_BYTES, PIECE_BYTES),
            (32 << 10, 128 << 10, 128 << 10),
        ] {
            let chunks = std::iter::repeat_n(Bytes::from(vec![0; size]), 2000);
            let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
            let piece = Pieces::new(body, patience()).next(asked).await;
            assert_eq!(piece.size_bytes, expected as u64, "{size} {asked}");
            assert!(matches!(piece.more, Ok(true)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_refused_body_is_read_in_bounds() {
        for (count, size, wait, expected) in [
            (3, 10, Duration::ZERO, 3),
            (1000, 1 << 20, Duration::ZERO, FORGOTTEN_BYTES_MAX >> 20),
            (1000, 1 << 10, Duration::from_millis(100), 50),
        ] {
            let (sender, receiver) = std::sync::mpsc::channel();
            let seen = slow(count, size, wait).into_data_stream().inspect(move |_| {
                let _ = sender.send(());
            });
            let patience = Patience::new(Duration::from_mins(1), 1);
            Pieces::new(Body::from_stream(seen), patience).forget_rest().await;
            let read = receiver.try_iter().count();
            assert!(read.abs_diff(expected) <= 1, "{count} {size}: {read}, expected {expected}");
        }
    }

    #[tokio::test]
    async fn what_announces_too_much_is_not_read() {
        let body = Body::from(vec![0; 11]);
        let error =
            read_all(body, "test", 10, Patience::new(Duration::ZERO, 1)).await.expect_err("is refused");
        assert!(matches!(error, RegistryError::TooLarge { limit: 10, .. }), "{error}");
    }
}
