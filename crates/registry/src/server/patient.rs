//! A connection that is patient with its peer, but not for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::patience::Patience;

/// A stream whose writes fail when the peer takes nothing for a while, or too little for long, so that who asks for
/// a blob and hardly reads it does not hold the connection.
///
/// Silence of the peer where it should send is bounded elsewhere, where it is known what is awaited.
pub(super) struct Patient<S> {
    stream: S,
    patience: Patience,
    sleep: Pin<Box<Sleep>>,
    waiting_since: Option<Instant>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        let sleep = Box::pin(sleep(patience.left()));
        Self { stream, patience, sleep, waiting_since: None }
    }

    /// Passes the result of a write on, or fails if it has waited for too long.
    fn bound_write(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let bytes = if let Poll::Ready(Ok(bytes)) = &written { *bytes } else { 0 };
        self.bound(written, bytes, cx)
    }

    fn bound<T>(
        &mut self,
        done: Poll<io::Result<T>>,
        bytes: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.patience.spend(waited, bytes);
            return done;
        }
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            self.sleep.as_mut().reset(now + self.patience.left());
        }
        match self.sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound_write(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.bound_write(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound(flushed, 0, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bound(ended, 0, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (near, mut far) = duplex(10);
        let mut patient = Patient::new(near, Patience::new(Duration::from_millis(20), 1));
        patient.write_all(&[0; 10]).await.expect("fits");
        far.read_exact(&mut [0; 10]).await.expect("reads");
        patient.write_all(&[0; 10]).await.expect("fits again");
        let error = patient.write_all(&[0; 10]).await.expect_err("waits for ever");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_little_is_given_up() {
        for (step, is_enough) in [(10, true), (1, false)] {
            let (near, mut far) = duplex(10);
            let mut patient = Patient::new(near, Patience::new(Duration::from_secs(20), 5));
            let reader = tokio::spawn(async move {
                let mut bytes = vec![0; step];
                while far.read_exact(&mut bytes).await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            });
            let written = patient.write_all(&[0; 500]).await;
            assert_eq!(written.is_ok(), is_enough, "{step} bytes per second: {written:?}");
            drop(patient);
            reader.await.expect("ends");
        }
    }
}
