//! The HTTP server's loop: connections with bounds, and an end that lets requests finish.
//!
//! Serves any router, so that the registry and the pages share one address. HTTP/1.1 only: large blobs gain nothing
//! from more, and every client speaks it.

mod head;
mod patient;
mod peers;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use self::patient::Patient;
use self::peers::Peers;
pub use self::tls::{Tls, TlsError};
use crate::patience::Patience;

/// Bounds of connections.
#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Connections at once of one address, or of the first 64 bits of an IPv6 address; more are closed.
    pub peer_connections_max: usize,
    /// Proxies, which speak for many and may have all connections.
    pub proxies: Vec<IpNet>,
    /// Longest time for the head of a request and before it for a TLS handshake, also the longest idle time of a kept connection.
    pub head_time_max: Duration,
    /// Longest head of a request in bytes, at least 8 KiB; a body is read in pieces of at most this size.
    pub head_bytes_max: usize,
    /// Longest headers of a request in bytes, all together.
    pub headers_bytes_max: usize,
    /// Longest time that a peer may take nothing of an answer.
    pub write_silence_max: Duration,
    /// Bytes per second below which a peer counts as taking nothing in the long run.
    pub write_bytes_per_second_min: u64,
    /// How long running requests may go on after the end was asked for.
    pub drain_time_max: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            peer_connections_max: 1024,
            proxies: Vec::new(),
            head_time_max: Duration::from_mins(1),
            head_bytes_max: 256 << 10,
            headers_bytes_max: 64 << 10,
            write_silence_max: Duration::from_mins(1),
            write_bytes_per_second_min: 1024,
            drain_time_max: Duration::from_secs(20),
        }
    }
}

/// Answers connections until `end` is ready, then lets running requests finish for a while.
///
/// Requests carry `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServeLimits,
    end: impl Future<Output = ()>,
) {
    accept_all(listener, None, router, limits, end).await;
}

/// Answers connections as [`serve`] does, over TLS.
pub async fn serve_tls(
    listener: TcpListener,
    tls: &Tls,
    router: Router,
    limits: ServeLimits,
    end: impl Future<Output = ()>,
) {
    accept_all(listener, Some(tls.acceptor()), router, limits, end).await;
}

async fn accept_all(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: ServeLimits,
    end: impl Future<Output = ()>,
) {
    let headers_bytes_max = limits.headers_bytes_max;
    let check_head = move |request, next| head::check(headers_bytes_max, request, next);
    let router = router.layer(middleware::from_fn(check_head));
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let peers = Peers::new(limits.peer_connections_max, &limits.proxies);
    let graceful = GracefulShutdown::new();
    let mut end = std::pin::pin!(end);
    loop {
        let (stream, peer, slot) = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut end => break,
        };
        let Some(counted) = peers.admit(peer.ip()) else {
            tracing::debug!(peer.address = %peer, "too many connections of one peer");
            continue;
        };
        let patience = Patience::new(limits.write_silence_max, limits.write_bytes_per_second_min);
        let stream = Patient::new(stream, patience);
        let answering = Answering {
            builder: builder(&limits),
            watcher: graceful.watcher(),
            service: router.clone(),
            peer,
        };
        let (tls, head_time_max) = (tls.clone(), limits.head_time_max);
        tokio::spawn(async move {
            match tls {
                None => answering.answer(stream).await,
                Some(tls) => match timeout(head_time_max, tls.accept(stream)).await {
                    Ok(Ok(stream)) => answering.answer(stream).await,
                    Ok(Err(error)) => tracing::debug!(peer.address = %peer, error = %error, "no TLS session"),
                    Err(_) => tracing::debug!(peer.address = %peer, "no TLS session in time"),
                },
            }
            drop((counted, slot));
        });
    }
    drop(listener);
    if timeout(limits.drain_time_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running at the end");
    }
}

/// What a connection is answered with.
struct Answering {
    builder: Builder,
    watcher: Watcher,
    service: Router,
    peer: SocketAddr,
}

impl Answering {
    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer = self.peer;
        let service = self.service.map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(axum::body::Body::new)
        });
        let connection =
            self.builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(peer.address = %peer, error = %error, "connection ended early");
        }
    }
}

fn builder(limits: &ServeLimits) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_buf_size(limits.head_bytes_max.max(8 << 10));
    builder
}

/// Waits for a free slot, then for a connection.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        slot
    } else {
        tracing::warn!("all connections are taken, others wait");
        Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed")
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are often shorter than a packet; waiting for more only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(peer.address = %peer, error = %error, "cannot send without delay");
                }
                return (stream, peer, slot);
            }
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // Out of descriptors, for example: others must end first.
                tracing::error!(error = %error, "cannot accept connections");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Says whether only the connection failed, which was gone before it was accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
