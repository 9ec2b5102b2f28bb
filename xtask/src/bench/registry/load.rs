//! What the clients do: each on a connection and in a repository of its own.

use std::fs;
use std::io::sink;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::http::Connection;
use crate::invocation::Invocation;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// A config as every registry takes it, and its digest.
const CONFIG: &[u8] = b"{}";
const CONFIG_DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// Bytes that no server can make smaller.
pub(crate) struct Blob {
    bytes: Vec<u8>,
    digest: String,
}

impl Blob {
    /// The same bytes in every run.
    pub(crate) fn make(size_bytes: usize) -> Result<Self> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size_bytes as u64;
        let mut bytes = Vec::with_capacity(size_bytes);
        while bytes.len() < size_bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(size_bytes);
        let file = tempfile::NamedTempFile::new().context("making a file for a blob")?;
        fs::write(file.path(), &bytes)?;
        let sum = Invocation::new("sha256sum").arg(file.path()).output()?;
        let digest = format!("sha256:{}", sum.split(' ').next().unwrap_or_default());
        Ok(Self { bytes, digest })
    }
}

/// Some clients at once.
pub(crate) struct Clients {
    host: SocketAddr,
    count: usize,
}

impl Clients {
    pub(crate) fn new(host: SocketAddr, count: usize) -> Self {
        Self { host, count }
    }

    /// Every client pushes the blob in one request after the one that begins the upload.
    pub(crate) fn push_blob(&self, blob: &Blob) -> Result<Duration> {
        self.all(|client, connection| push(connection, &repository(client), &blob.bytes, &blob.digest))
    }

    pub(crate) fn pull_blob(&self, blob: &Blob) -> Result<Duration> {
        self.all(|client, connection| {
            let path = format!("/v2/{}/blobs/{}", repository(client), blob.digest);
            connection.request(("GET", &path), "", b"", 200, &mut sink()).map(drop)
        })
    }

    /// The clients share `count` manifests, each with a tag of its own.
    pub(crate) fn push_manifests(&self, count: usize) -> Result<Duration> {
        self.all(|client, connection| push(connection, &repository(client), CONFIG, CONFIG_DIGEST))?;
        self.all(|client, connection| {
            (client..count).step_by(self.count).try_for_each(|number| {
                let path = format!("/v2/{}/manifests/manifest-{number}", repository(client));
                put(connection, &path, &manifest(number))
            })
        })
    }

    /// The clients share `count` tags of one manifest in one repository.
    pub(crate) fn push_tags(&self, count: usize) -> Result<Duration> {
        let mut connection = Connection::open(self.host)?;
        push(&mut connection, "bench/tags", CONFIG, CONFIG_DIGEST)?;
        let manifest = manifest(0);
        self.all(|client, connection| {
            (client..count).step_by(self.count).try_for_each(|number| {
                put(connection, &format!("/v2/bench/tags/manifests/tag-{number:05}"), &manifest)
            })
        })
    }

    /// Reads the whole list of tags, page by page as the server cuts it; returns how many there are.
    pub(crate) fn list_tags(&self) -> Result<(Duration, usize)> {
        let mut connection = Connection::open(self.host)?;
        let mut times = Vec::new();
        let mut listed = 0;
        for _ in 0..3 {
            let start = Instant::now();
            let mut pages = Vec::new();
            let mut next = Some("/v2/bench/tags/tags/list".to_owned());
            while let Some(path) = next {
                let mut page = Vec::new();
                next = connection.request(("GET", &path), "", b"", 200, &mut page)?.next;
                pages.push(page);
            }
            times.push(start.elapsed());
            let pages = pages.iter().map(|page| serde_json::from_slice(page));
            let pages = pages.collect::<Result<Vec<Value>, _>>().context("reading a list of tags")?;
            listed = pages.iter().filter_map(|page| page["tags"].as_array()).map(Vec::len).sum();
        }
        times.sort();
        Ok((times[1], listed))
    }

    /// Runs every client on a thread and returns the time until the last one has ended.
    fn all(&self, work: impl Fn(usize, &mut Connection) -> Result<()> + Sync) -> Result<Duration> {
        let mut connections =
            (0..self.count).map(|_| Connection::open(self.host)).collect::<Result<Vec<_>>>()?;
        let start = Instant::now();
        thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = connections
                .iter_mut()
                .enumerate()
                .map(|(client, connection)| scope.spawn(move || work(client, connection)))
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("a client does not panic"))
        })?;
        Ok(start.elapsed())
    }
}

fn repository(client: usize) -> String {
    format!("bench/client-{client}")
}

fn push(connection: &mut Connection, repository: &str, bytes: &[u8], digest: &str) -> Result<()> {
    let upload = connection.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), 202)?.location;
    let separator = if upload.contains('?') { '&' } else { '?' };
    let path = format!("{upload}{separator}digest={digest}");
    connection.request(("PUT", &path), "application/octet-stream", bytes, 201, &mut sink()).map(drop)
}

fn put(connection: &mut Connection, path: &str, manifest: &[u8]) -> Result<()> {
    connection.request(("PUT", path), MANIFEST_TYPE, manifest, 201, &mut sink()).map(drop)
}

fn manifest(number: usize) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": { "mediaType": CONFIG_TYPE, "digest": CONFIG_DIGEST, "size": CONFIG.len() },
        "layers": [],
        "annotations": { "number": number.to_string() },
    });
    serde_json::to_vec(&manifest).expect("a manifest has string keys only")
}
