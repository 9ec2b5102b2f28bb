//! Clients that are slow, silent, or say strange things, over real connections.

use std::time::Duration;

use temper_oci::Digest;
use temper_registry::{Limits, LocalAccess, ServeLimits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::fixture::Fixture;

const OPEN: LocalAccess = LocalAccess { push_from_loopback: true };

/// Serves a fixture on a free port until the test ends.
async fn listen(fixture: &Fixture, limits: ServeLimits) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(serve(listener, fixture.router.clone(), limits, std::future::pending()));
    address
}

/// Reads until the server hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A server that hangs up on bytes that it has not read resets the connection; what it said came before.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn talk(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

#[tokio::test]
async fn heads_are_bounded() {
    let fixture = Fixture::new().await;
    let limits = ServeLimits {
        head_time_max: Duration::from_millis(100),
        head_bytes_max: 16 << 10,
        ..ServeLimits::default()
    };
    let address = listen(&fixture, limits).await;
    let close = "host: localhost\r\nconnection: close\r\n";
    let long = "a".repeat(20 << 10);
    let many = "x: y\r\n".repeat(200);
    for (request, expected) in [
        (format!("GET /v2/ HTTP/1.1\r\n{close}\r\n"), "HTTP/1.1 200"),
        (format!("GET /v2/ HTTP/1.1\r\n{close}x: {long}\r\n\r\n"), "HTTP/1.1 431"),
        (format!("GET /v2/ HTTP/1.1\r\n{close}{many}\r\n"), "HTTP/1.1 431"),
        (format!("GET /v2/{long}/tags/list HTTP/1.1\r\n{close}\r\n"), "HTTP/1.1 431"),
        (
            format!("GET /v2/ HTTP/1.1\r\n{close}authorization: Basic {}\r\n\r\n", "A".repeat(8000)),
            "HTTP/1.1 200",
        ),
        (format!("GET /v2/\0 HTTP/1.1\r\n{close}\r\n"), "HTTP/1.1 400"),
        (format!("GET /v2/ HTTP/1.1\r\n{close}a\0b: c\r\n\r\n"), "HTTP/1.1 400"),
        (format!("GET /v2/ HTTP/1.1\r\n{close}content-length: -1\r\n\r\n"), "HTTP/1.1 400"),
        (format!("GET /v2/ HTTP/1.1\r\n{close}content-length: 99999999999999999999\r\n\r\n"), "HTTP/1.1 400"),
        (
            format!("GET /v2/ HTTP/1.1\r\n{close}content-length: 1\r\ncontent-length: 2\r\n\r\nx"),
            "HTTP/1.1 400",
        ),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        // Never ended, and nothing at all: hung up on.
        ("GET /v2/ HTTP/1.1\r\nhost: localhost\r\nx".to_owned(), ""),
        (String::new(), ""),
    ] {
        let answer = talk(address, &request).await;
        let shown: String = request.chars().take(60).collect();
        assert!(answer.starts_with(expected), "{shown:?}: {answer}");
    }
}

#[tokio::test]
async fn bodies_that_do_not_come_end() {
    let limits =
        Limits { body_silence_max: Duration::from_millis(100), blob_bytes_max: 1 << 20, ..Limits::default() };
    let fixture = Fixture::with(limits, OPEN).await;
    let address = listen(&fixture, ServeLimits::default()).await;
    let head = |method: &str, path: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n")
    };
    let (upload, other, third) =
        (fixture.begin("a").await, fixture.begin("a").await, fixture.begin("a").await);
    for (request, expected) in [
        (head("PATCH", &upload, "content-length: 100\r\n") + "abc", "HTTP/1.1 408"),
        (head("PATCH", &upload, "transfer-encoding: chunked\r\n") + "3\r\nabc\r\n", "HTTP/1.1 408"),
        (head("PUT", "/v2/a/manifests/1", "content-length: 100\r\n") + "{", "HTTP/1.1 408"),
        (head("PATCH", &other, "content-length: 9223372036854775807\r\n"), "HTTP/1.1 413"),
        (head("PATCH", &third, "content-length: 9000000\r\nexpect: 100-continue\r\n"), "HTTP/1.1 413"),
        (head("PUT", "/v2/a/manifests/1", "content-length: 999999999\r\n"), "HTTP/1.1 413"),
        (head("PATCH", &upload, "transfer-encoding: chunked\r\n") + "fffffffffffffffff\r\n", "HTTP/1.1 400"),
        (head("PATCH", &upload, "transfer-encoding: chunked\r\n") + "zz\r\n", "HTTP/1.1 400"),
    ] {
        let answer = talk(address, &request).await;
        assert!(answer.starts_with(expected), "{request:?}: {answer}");
    }
    let kept = fixture.get(&upload).await;
    assert_eq!(kept.header("range"), "0-5", "what came in time is kept for those who go on");
}

#[tokio::test]
async fn who_does_not_read_is_hung_up_on() {
    let fixture = Fixture::new().await;
    let bytes: &'static [u8] = vec![7; 16 << 20].leak();
    let digest = fixture.push_blob("a", bytes).await;
    assert_eq!(digest, Digest::of(bytes));
    let limits = ServeLimits { write_silence_max: Duration::from_millis(100), ..ServeLimits::default() };
    let address = listen(&fixture, limits).await;
    let socket = TcpSocket::new_v4().expect("is made");
    socket.set_recv_buffer_size(4096).expect("is set");
    let mut stream = socket.connect(address).await.expect("connects");
    let request = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    // Writing to a connection that the other end has closed fails; until then it does nothing.
    let hung_up = async {
        loop {
            if stream.write_all(b"\r\n").await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), hung_up).await.expect("hangs up");
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_their_turn() {
    let fixture = Fixture::new().await;
    let address = listen(&fixture, ServeLimits { connections_max: 2, ..ServeLimits::default() }).await;
    let request = "GET /v2/ HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(request.as_bytes()).await.expect("sends");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("is answered");
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut waiting = TcpStream::connect(address).await.expect("connects");
    waiting.write_all(request.as_bytes()).await.expect("sends");
    let mut first = [0; 12];
    let early = tokio::time::timeout(Duration::from_millis(50), waiting.read_exact(&mut first)).await;
    assert!(early.is_err(), "the third is answered while two are held");
    held.pop();
    waiting.read_exact(&mut first).await.expect("is answered");
    assert_eq!(&first, b"HTTP/1.1 200");
}
