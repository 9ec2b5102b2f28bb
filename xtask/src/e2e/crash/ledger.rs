//! What clients were told, and what they tried.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Result, ensure};

use crate::e2e::crash::content::{Blob, digest};
use crate::e2e::crash::read_blob;
use crate::http::send;

/// A manifest with its blobs.
#[derive(Clone)]
pub(super) struct Pushed {
    pub(super) repository: String,
    pub(super) digest: String,
    pub(super) blobs: Vec<Blob>,
}

/// What all pushers wrote down. An attempt is noted before it is made, an acknowledgement after it came.
#[derive(Default)]
pub(super) struct Ledger {
    /// Blobs that repositories were told to have.
    pub(super) blobs: BTreeSet<(String, Blob)>,
    /// Manifests that were sent.
    pub(super) attempted: Vec<Pushed>,
    /// Manifests that must be there, by digest.
    pub(super) kept: BTreeMap<String, Pushed>,
    /// Manifests that must not be there.
    pub(super) removed: Vec<Pushed>,
    /// Where tags were told to point, by repository and tag; several digests where the last answer is not known.
    pub(super) tags: BTreeMap<(String, String), BTreeSet<String>>,
    /// How many uploads went on after a crash.
    pub(super) resumed: usize,
}

impl Ledger {
    /// How many pushes of blobs and manifests were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.blobs.len() + self.kept.len() + self.removed.len()
    }

    /// Reads everything that must be there, and asks for what must not.
    pub(super) fn read_back(&self, address: SocketAddr) -> Result<()> {
        for (repository, blob) in &self.blobs {
            read_blob(address, repository, blob)?;
        }
        self.read_back_manifests(address)
    }

    /// Reads all manifests and tags.
    pub(super) fn read_back_manifests(&self, address: SocketAddr) -> Result<()> {
        for pushed in self.kept.values() {
            let answer = get(address, pushed, &pushed.digest)?;
            ensure!(answer.status == 200, "manifest {} is lost: {}", pushed.digest, answer.text());
            ensure!(digest(&answer.body) == pushed.digest, "manifest {} has other bytes", pushed.digest);
            for blob in &pushed.blobs {
                let path = format!("/v2/{}/blobs/{}", pushed.repository, blob.digest);
                let answer = send(address, "HEAD", &path, &[], &[])?;
                ensure!(answer.status == 200, "blob {} of manifest {} is lost", blob.digest, pushed.digest);
            }
        }
        for pushed in &self.removed {
            let status = get(address, pushed, &pushed.digest)?.status;
            ensure!(status == 404, "manifest {} was deleted and is there again", pushed.digest);
        }
        for ((repository, tag), digests) in &self.tags {
            let answer = send(address, "GET", &format!("/v2/{repository}/manifests/{tag}"), &[], &[])?;
            ensure!(answer.status == 200, "tag {repository}:{tag} is lost: {}", answer.text());
            let found = digest(&answer.body);
            ensure!(
                digests.contains(&found),
                "tag {repository}:{tag} is at {found}, not at one of {digests:?}"
            );
        }
        Ok(())
    }

    /// The blobs of every manifest that is there, acknowledged or not.
    pub(super) fn needed(&self, address: SocketAddr) -> Result<BTreeSet<String>> {
        let mut needed = BTreeSet::new();
        for pushed in &self.attempted {
            if get(address, pushed, &pushed.digest)?.status == 200 {
                needed.extend(pushed.blobs.iter().map(|blob| blob.digest.clone()));
            }
        }
        Ok(needed)
    }
}

fn get(address: SocketAddr, pushed: &Pushed, reference: &str) -> Result<crate::http::Answer> {
    let path = format!("/v2/{}/manifests/{reference}", pushed.repository);
    Ok(send(address, "GET", &path, &[], &[])?)
}
