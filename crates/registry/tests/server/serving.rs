//! The server's loop over real connections.

use std::net::SocketAddr;
use std::time::Duration;

use temper_registry::{ServeLimits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::fixture::Fixture;

async fn talk(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Serves until the test ends, and returns the address.
async fn begin(fixture: &Fixture, limits: ServeLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(serve(listener, fixture.router.clone(), limits, std::future::pending()));
    address
}

const LAST: &str = "GET /v2/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn connections_beyond_the_bound_wait() {
    let fixture = Fixture::new().await;
    let address = begin(&fixture, ServeLimits { connections_max: 1, ..ServeLimits::default() }).await;
    let first = TcpStream::connect(address).await.expect("connects");
    let mut second = TcpStream::connect(address).await.expect("connects");
    second.write_all(LAST.as_bytes()).await.expect("sends");
    let mut byte = [0];
    let answer = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(answer.is_err(), "the first has the only place: {answer:?}");
    drop(first);
    assert_eq!(second.read(&mut byte).await.expect("reads"), 1);
}

#[tokio::test]
async fn one_peer_has_not_all_connections() {
    let fixture = Fixture::new().await;
    let limits = ServeLimits { peer_connections_max: 1, ..ServeLimits::default() };
    let address = begin(&fixture, limits).await;
    let _first = TcpStream::connect(address).await.expect("connects");
    let mut second = TcpStream::connect(address).await.expect("connects");
    // The connection may be closed before the request is sent.
    let _ = second.write_all(LAST.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = second.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));

    let proxies = vec!["127.0.0.0/8".parse().expect("is a net")];
    let limits = ServeLimits { peer_connections_max: 1, proxies, ..ServeLimits::default() };
    let address = begin(&fixture, limits).await;
    let _first = TcpStream::connect(address).await.expect("connects");
    let mut second = TcpStream::connect(address).await.expect("connects");
    assert!(talk(&mut second, LAST).await.starts_with("HTTP/1.1 200"), "a proxy speaks for many");
}

#[tokio::test]
async fn heads_are_what_http_wants() {
    let fixture = Fixture::new().await;
    let limits = ServeLimits { headers_bytes_max: 1000, ..ServeLimits::default() };
    let address = begin(&fixture, limits).await;
    let long = format!("host: localhost\r\nx: {}\r\n", "a".repeat(1000));
    let many = format!("host: localhost\r\n{}", "x: y\r\n".repeat(90)).replace('y', &"b".repeat(9));
    for (version, headers, expected) in [
        ("1.1", "host: localhost\r\n", "200 OK"),
        ("1.0", "", "200 OK"),
        ("1.1", "", "400 Bad Request"),
        ("1.1", "host: localhost\r\nhost: localhost\r\n", "400 Bad Request"),
        ("1.0", "host: a\r\nhost: b\r\n", "400 Bad Request"),
        ("1.1", &long, "431 Request Header Fields Too Large"),
        ("1.1", &many, "431 Request Header Fields Too Large"),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET /v2/ HTTP/{version}\r\n{headers}connection: close\r\n\r\n");
        let answer = talk(&mut stream, &request).await;
        assert!(answer.starts_with(&format!("HTTP/{version} {expected}")), "{version} {headers}: {answer}");
    }
}

#[tokio::test]
async fn what_announces_too_much_is_refused_before_it_is_sent() {
    let fixture = Fixture::new().await;
    let address = begin(&fixture, ServeLimits::default()).await;
    for (request, length) in [
        ("PUT /v2/a/manifests/1", (4 << 20) + 1),
        ("POST /v2/a/blobs/uploads/", (64_u64 << 30) + 1),
        ("GET /v2/", (4 << 20) + 1),
        ("DELETE /v2/a/manifests/1", u64::MAX / 2),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        let answer = talk(&mut stream, &head).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{request}: {answer}");
        assert!(answer.contains("SIZE_INVALID"), "{request}: {answer}");
    }
}

#[tokio::test]
async fn connections_are_bounded_and_end_in_order() {
    let fixture = Fixture::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    let limits = ServeLimits {
        head_time_max: Duration::from_millis(100),
        head_bytes_max: 8 << 10,
        ..ServeLimits::default()
    };
    let (end, ended) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, fixture.router.clone(), limits, async {
        let _ = ended.await;
    }));

    let mut stream = TcpStream::connect(address).await.expect("connects");
    let answer = talk(&mut stream, "GET /v2/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let push = "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let answer = talk(&mut stream, push).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "the address of the peer is known: {answer}");

    let mut idle = TcpStream::connect(address).await.expect("connects");
    assert_eq!(talk(&mut idle, "").await, "");
    let mut slow = TcpStream::connect(address).await.expect("connects");
    let answer = talk(&mut slow, "GET /v2/ HTTP/1.1\r\nhost").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut long = TcpStream::connect(address).await.expect("connects");
    let answer = talk(&mut long, &format!("GET /v2/ HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(9 << 10))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    end.send(()).expect("is awaited");
    server.await.expect("ends");
    assert!(TcpStream::connect(address).await.is_err());
}
