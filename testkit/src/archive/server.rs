//! A small HTTP/1.1 server for fakes, which misbehaves on request.
//!
//! It runs on threads of its own, so that tests of any runtime, or of none, can use it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::deb::hex;

/// How a path misbehaves.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers a status without content, this many times; then as if nothing was.
    Status {
        /// The status, `503`.
        code: u16,
        /// How often.
        times: u32,
        /// Value of `Retry-After`, if any.
        retry_after: Option<String>,
    },
    /// Announces everything, but closes the connection after so many bytes, this many times.
    Truncate {
        /// Bytes that are sent.
        after: usize,
        /// How often.
        times: u32,
    },
    /// Sends the content with its last byte changed.
    Corrupt,
    /// Sends more than the content.
    Append(Vec<u8>),
    /// Never answers, until the server goes.
    Silence,
    /// Answers only after another path was answered.
    After(String),
}

/// A request that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path without the leading slash.
    pub path: String,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, Fault>,
    requests: Vec<Request>,
    answered: Vec<String>,
    is_closed: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    shared: Shared,
}

impl Server {
    /// Serves files by path on a free local port.
    pub fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a local port is free");
        let address = listener.local_addr().expect("the socket is bound");
        let shared: Shared = Arc::new((Mutex::new(State { files, ..State::default() }), Condvar::new()));
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&accepting).is_closed {
                    break;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// The address of a path.
    pub fn uri(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Makes every path that ends in `suffix` misbehave.
    pub fn fault(&self, suffix: &str, fault: Fault) {
        lock(&self.shared).faults.insert(suffix.to_owned(), fault);
    }

    /// Makes all paths behave again.
    pub fn clear_faults(&self) {
        lock(&self.shared).faults.clear();
    }

    /// Puts other files in place of all, as if the archive was updated.
    pub fn replace(&self, files: BTreeMap<String, Vec<u8>>) {
        lock(&self.shared).files = files;
    }

    /// Returns the requests since the last call, in the order of their arrival.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut lock(&self.shared).requests)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.shared).is_closed = true;
        self.shared.1.notify_all();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers the requests of one connection until the client ends it, or a fault does.
fn serve(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let path = request.path.clone();
        lock(shared).requests.push(request.clone());
        let goes_on = answer(stream, shared, &request);
        lock(shared).answered.push(path);
        shared.1.notify_all();
        if !goes_on {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.trim_start_matches('/').replace("%2b", "+").replace("%7E", "~");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Some(Request { path, headers })
}

/// Answers one request and tells whether the connection stays open.
fn answer(mut stream: &TcpStream, shared: &Shared, request: &Request) -> bool {
    let (content, fault) = {
        let mut state = lock(shared);
        (state.files.get(&request.path).cloned(), take_fault(&mut state, &request.path))
    };
    let Some(mut content) = content else {
        return write_head(stream, 404, 0, &[]);
    };
    let tag = format!("\"{}\"", &hex(&Sha256::digest(&content))[..16]);
    let mut sent = content.len();
    match fault {
        Some(Fault::Status { code, retry_after, .. }) => {
            let wish = retry_after.map(|value| ("Retry-After", value));
            return write_head(stream, code, 0, wish.as_slice());
        }
        Some(Fault::Truncate { after, .. }) => sent = after.min(content.len()),
        Some(Fault::Corrupt) => *content.last_mut().expect("files that are corrupted have content") ^= 1,
        Some(Fault::Append(more)) => {
            content.extend(more);
            sent = content.len();
        }
        Some(Fault::Silence) => return wait(shared, |state| state.is_closed),
        Some(Fault::After(other)) => {
            wait(shared, |state| state.is_closed || state.answered.iter().any(|path| path.ends_with(&other)));
        }
        None => {}
    }
    if request.headers.get("if-none-match") == Some(&tag) {
        return write_head(stream, 304, 0, &[("ETag", tag)]);
    }
    write_head(stream, 200, content.len(), &[("ETag", tag)])
        && stream.write_all(&content[..sent]).is_ok()
        && sent == content.len()
}

/// Returns the fault of a path and counts it.
fn take_fault(state: &mut State, path: &str) -> Option<Fault> {
    let (suffix, fault) = state.faults.iter_mut().find(|(suffix, _)| path.ends_with(suffix.as_str()))?;
    let (suffix, taken) = (suffix.clone(), fault.clone());
    if let Fault::Status { times, .. } | Fault::Truncate { times, .. } = fault {
        *times -= 1;
        if *times == 0 {
            state.faults.remove(&suffix);
        }
    }
    Some(taken)
}

fn write_head(mut stream: &TcpStream, status: u16, length: usize, headers: &[(&str, String)]) -> bool {
    let mut head = format!("HTTP/1.1 {status} Fake\r\n");
    if status != 304 {
        head.extend(["Content-Length: ", &length.to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all((head + "\r\n").as_bytes()).is_ok()
}

/// Waits for a condition; returns false, since a connection that waited for the end is closed.
fn wait(shared: &Shared, mut is_met: impl FnMut(&State) -> bool) -> bool {
    let mut state = lock(shared);
    while !is_met(&state) {
        state = shared.1.wait(state).expect("no thread of the server panics");
    }
    false
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().expect("no thread of the server panics")
}
