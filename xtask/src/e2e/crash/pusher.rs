//! A client that pushes until the server dies, and goes on with the next one.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use anyhow::{Context, Error, Result, anyhow, bail};

use crate::e2e::crash::content::{Blob, Random, digest, manifest};
use crate::e2e::crash::ledger::{Ledger, Pushed};
use crate::http::{Answer, send};

pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const REPOSITORIES: [&str; 2] = ["acme/one", "acme/two"];
/// Blobs below this number are pushed by everybody, so that they meet.
const SHARED_BLOBS: u64 = 20;
/// One manifest of so many is deleted again.
const DELETE_EVERY: u64 = 6;
/// One manifest of so many moves a tag that was there before.
const MOVE_EVERY: u64 = 3;

pub(super) struct Pusher<'a> {
    number: u64,
    random: Random,
    ledger: &'a Mutex<Ledger>,
    /// Manifests that were pushed.
    count: u64,
    /// An upload that a crash broke.
    broken: Option<Upload>,
}

/// An upload in pieces.
#[derive(Clone)]
struct Upload {
    repository: &'static str,
    location: String,
    blob: Blob,
    /// Bytes that the server has acknowledged.
    acknowledged: usize,
    /// Whether its end was sent.
    ended: bool,
}

impl<'a> Pusher<'a> {
    pub(super) fn new(number: u64, seed: u64, ledger: &'a Mutex<Ledger>) -> Self {
        let random = Random::new(seed ^ (number + 1).wrapping_mul(0x1234_5678_9abc_def1));
        Self { number, random, ledger, count: 0, broken: None }
    }

    /// Pushes until a connection breaks; every answer that is not the expected one is an error.
    pub(super) fn run(&mut self, address: SocketAddr) -> Result<()> {
        loop {
            let done = match self.broken.take() {
                Some(upload) => self.resume(address, upload),
                None => self.push(address),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.downcast_ref::<io::Error>().is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn push(&mut self, address: SocketAddr) -> Result<()> {
        let repository = self.repository();
        let mut blobs = Vec::new();
        for _ in 0..self.random.within(1..4) {
            blobs.push(self.push_blob(address, repository)?);
        }
        self.count += 1;
        let bytes = manifest(&blobs, &format!("{}-{}", self.number, self.count));
        let pushed = Pushed { repository: repository.to_owned(), digest: digest(&bytes), blobs };
        let moves = self.random.next().is_multiple_of(MOVE_EVERY);
        let tag = if moves { "moving".to_owned() } else { self.count.to_string() };
        let tag = format!("p{}-{tag}", self.number);
        self.put_manifest(address, &pushed, &tag, &bytes)?;
        if !moves && self.random.next().is_multiple_of(DELETE_EVERY) {
            self.delete(address, &pushed, tag)?;
        }
        Ok(())
    }

    fn put_manifest(&self, address: SocketAddr, pushed: &Pushed, tag: &str, bytes: &[u8]) -> Result<()> {
        let key = (pushed.repository.clone(), tag.to_owned());
        self.note(|ledger| {
            ledger.attempted.push(pushed.clone());
            // Until the answer comes, a tag that was there may be at either place.
            if let Some(digests) = ledger.tags.get_mut(&key) {
                digests.insert(pushed.digest.clone());
            }
        });
        let path = format!("/v2/{}/manifests/{tag}", pushed.repository);
        let answer = send(address, "PUT", &path, &[("content-type", MEDIA_TYPE)], bytes)?;
        expect(&answer, 201, "manifest")?;
        self.note(|ledger| {
            ledger.kept.insert(pushed.digest.clone(), pushed.clone());
            ledger.tags.insert(key, BTreeSet::from([pushed.digest.clone()]));
        });
        Ok(())
    }

    /// Deletes a manifest; while the answer is open, nothing can be said of it.
    fn delete(&self, address: SocketAddr, pushed: &Pushed, tag: String) -> Result<()> {
        self.note(|ledger| {
            ledger.kept.remove(&pushed.digest);
            ledger.tags.remove(&(pushed.repository.clone(), tag));
        });
        let path = format!("/v2/{}/manifests/{}", pushed.repository, pushed.digest);
        expect(&send(address, "DELETE", &path, &[], &[])?, 202, "delete")?;
        self.note(|ledger| ledger.removed.push(pushed.clone()));
        Ok(())
    }

    fn push_blob(&mut self, address: SocketAddr, repository: &'static str) -> Result<Blob> {
        let number = self.random.next();
        let shared = self.random.next().is_multiple_of(2);
        let (blob, bytes) = Blob::new(if shared { number % SHARED_BLOBS } else { number });
        let path = format!("/v2/{repository}/blobs/uploads/");
        match self.random.within(0..4) {
            0 => {
                let answer = send(address, "POST", &format!("{path}?digest={}", blob.digest), &[], &bytes)?;
                expect(&answer, 201, "blob in one request")?;
            }
            1 => {
                let other = self.repository();
                let mount = format!("{path}?mount={}&from={other}", blob.digest);
                let answer = send(address, "POST", &mount, &[], &[])?;
                if answer.status != 201 {
                    expect(&answer, 202, "mount")?;
                    self.upload(address, begun(&answer, repository, &blob)?, &bytes)?;
                }
            }
            2 => {
                let head = format!("/v2/{repository}/blobs/{}", blob.digest);
                let answer = send(address, "HEAD", &head, &[], &[])?;
                if answer.status != 200 {
                    expect(&answer, 404, "question for a blob")?;
                    let answer = send(address, "POST", &path, &[], &[])?;
                    self.upload(address, begun(&answer, repository, &blob)?, &bytes)?;
                }
            }
            _ => {
                let answer = send(address, "POST", &path, &[], &[])?;
                self.upload(address, begun(&answer, repository, &blob)?, &bytes)?;
            }
        }
        self.acknowledge(repository, &blob);
        Ok(blob)
    }

    /// Sends what is missing in up to three pieces and ends the upload; what breaks is taken up later.
    fn upload(&mut self, address: SocketAddr, mut upload: Upload, bytes: &[u8]) -> Result<()> {
        let pieces = self.random.within(0..3) as usize;
        for piece in 0..pieces {
            self.broken = Some(upload.clone());
            let start = upload.acknowledged;
            let end = if piece + 1 == pieces { bytes.len() } else { start.midpoint(bytes.len()) };
            if start < end {
                let range = format!("{start}-{}", end - 1);
                let headers = [("content-range", range.as_str())];
                let answer = send(address, "PATCH", &upload.location, &headers, &bytes[start..end])?;
                expect(&answer, 202, "piece of a blob")?;
                upload.acknowledged = end;
            }
        }
        self.broken = Some(Upload { ended: true, ..upload.clone() });
        let path = format!("{}?digest={}", upload.location, upload.blob.digest);
        let answer = send(address, "PUT", &path, &[], &bytes[upload.acknowledged..])?;
        expect(&answer, 201, "end of a blob")?;
        self.broken = None;
        Ok(())
    }

    /// Goes on where the server is, which is not before what it has acknowledged.
    fn resume(&mut self, address: SocketAddr, mut upload: Upload) -> Result<()> {
        self.broken = Some(upload.clone());
        let answer = send(address, "GET", &upload.location, &[], &[])?;
        if answer.status == 404 && upload.ended {
            // The end was not acknowledged, but it came.
            self.broken = None;
            return Ok(());
        }
        expect(&answer, 204, "status of an upload")?;
        let range = answer.header("range").context("a status without a range")?;
        let last: usize = range.trim_start_matches("0-").parse().with_context(|| format!("range {range}"))?;
        // An empty upload cannot be told from one of a single byte; the pieces here are longer.
        let size = if last == 0 { 0 } else { last + 1 };
        if size < upload.acknowledged || size > upload.blob.size_bytes {
            bail!("{} bytes were acknowledged, the server has {size}", upload.acknowledged);
        }
        upload.acknowledged = size;
        let (repository, blob) = (upload.repository, upload.blob.clone());
        self.upload(address, upload, &blob.bytes())?;
        self.acknowledge(repository, &blob);
        self.note(|ledger| ledger.resumed += 1);
        Ok(())
    }

    fn repository(&mut self) -> &'static str {
        REPOSITORIES[self.random.within(0..REPOSITORIES.len() as u64) as usize]
    }

    fn acknowledge(&self, repository: &str, blob: &Blob) {
        self.note(|ledger| {
            ledger.blobs.insert((repository.to_owned(), blob.clone()));
        });
    }

    fn note(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.ledger.lock().expect("no pusher has panicked"));
    }
}

fn begun(answer: &Answer, repository: &'static str, blob: &Blob) -> Result<Upload> {
    expect(answer, 202, "begin of an upload")?;
    let location = answer.header("location").context("an upload without a location")?;
    // Absolute where the server knows its public address.
    let path = location.find("/v2/").map_or(location, |start| &location[start..]);
    Ok(Upload { repository, location: path.to_owned(), blob: blob.clone(), acknowledged: 0, ended: false })
}

fn expect(answer: &Answer, status: u16, what: &str) -> Result<(), Error> {
    if answer.status == status { Ok(()) } else { Err(anyhow!("{what}: {}", answer.text())) }
}
