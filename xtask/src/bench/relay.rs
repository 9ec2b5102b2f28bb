//! Stands between a client and a registry and counts the bytes that the client sends.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, Result};

const BUFFER_BYTES: usize = 256 << 10;

/// A relay that runs until the process ends.
pub(crate) struct Relay {
    sent_bytes: Arc<AtomicU64>,
}

impl Relay {
    /// Listens at `address` and forwards every connection to `registry`.
    pub(crate) fn start(address: SocketAddr, registry: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("listening at {address}"))?;
        let sent_bytes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent_bytes);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || forward(&client, registry, &counter));
            }
        });
        Ok(Self { sent_bytes })
    }

    /// What clients sent since the start.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

/// Copies both ways until both sides are done; a broken connection is the client's to report.
fn forward(client: &TcpStream, registry: SocketAddr, counter: &AtomicU64) {
    let Ok(registry) = TcpStream::connect(registry) else { return };
    let unused = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &registry, counter));
        scope.spawn(|| copy(&registry, client, &unused));
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, counter: &AtomicU64) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 || to.write_all(&buffer[..length]).is_err() {
            break;
        }
        counter.fetch_add(length as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_client_sends_is_counted() {
        let registry = TcpListener::bind("127.0.0.1:0").unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let relay = Relay::start(free, registry.local_addr().unwrap()).unwrap();
        let server = thread::spawn(move || {
            let (mut connection, _) = registry.accept().unwrap();
            let mut request = String::new();
            connection.read_to_string(&mut request).unwrap();
            connection.write_all(b"a longer answer").unwrap();
            request
        });
        let mut client = TcpStream::connect(free).unwrap();
        client.write_all(b"request").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!((server.join().unwrap().as_str(), answer.as_str()), ("request", "a longer answer"));
        assert_eq!(relay.sent_bytes(), 7);
    }
}
