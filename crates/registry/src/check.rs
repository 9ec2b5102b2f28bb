//! The check of everything that is kept: every byte is read and compared with its digest.

use std::io;

use futures_util::TryStreamExt as _;
use temper_oci::Digest;
use temper_store::records::{Dangling, KeptBlob, NewBlob};
use temper_store::storage::{Storage, StorageError};

use crate::error::RegistryError;
use crate::registry::Registry;

/// Rows that one question to the records brings.
const PAGE: u32 = 100;
/// Dangling references that one check reports.
const DANGLING_MAX: u32 = 10_000;

/// What a check saw.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Blobs that were read.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Manifests that were read.
    pub manifests: u64,
    /// What is not as it should be.
    pub damages: Vec<Damage>,
    /// Manifests that name what somebody deleted from their repository. No fault of the storage, but who pulls them
    /// fails.
    pub dangling: Vec<Dangling>,
}

impl Checked {
    /// Says whether whatever a tag leads to can be pulled.
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty() && self.dangling.iter().all(|dangling| dangling.tag.is_none())
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The records know a blob that the storage does not have.
    MissingBlob(Digest),
    /// A blob's bytes have another digest, or end too early.
    WrongBlob(Digest),
    /// A manifest's bytes have another digest.
    WrongManifest {
        /// The repository.
        repository: String,
        /// The manifest.
        digest: Digest,
    },
}

impl Registry {
    /// Reads everything that is kept and compares it with its digest. Pushes may run meanwhile.
    ///
    /// A blob that is damaged is noted as such: clients are told that it is not there, and the next push replaces it.
    /// One that is whole again is shown again.
    pub async fn check(&self) -> Result<Checked, RegistryError> {
        let mut checked = Checked::default();
        let mut last = None;
        loop {
            let page = self.repositories().list_blobs(last, PAGE).await?;
            let Some(kept) = page.last() else { break };
            last = Some(kept.blob.digest);
            for kept in page {
                checked.blobs += 1;
                checked.blob_bytes += kept.blob.size_bytes;
                checked.damages.extend(check_blob(self, &kept).await?);
            }
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.repositories().list(after.as_deref(), PAGE).await?;
            let Some(repository) = page.last() else { break };
            after = Some(repository.clone());
            for repository in &page {
                check_manifests(self, repository, &mut checked).await?;
            }
        }
        checked.dangling = self.repositories().list_dangling(DANGLING_MAX).await?;
        Ok(checked)
    }
}

async fn check_manifests(
    registry: &Registry,
    repository: &str,
    checked: &mut Checked,
) -> Result<(), RegistryError> {
    let mut last = None;
    loop {
        let page = registry.repositories().list_manifests(repository, last, PAGE).await?;
        let Some((digest, _)) = page.last() else { return Ok(()) };
        last = Some(*digest);
        for (digest, bytes) in page {
            checked.manifests += 1;
            let mut hasher = digest.hasher();
            hasher.update(&bytes);
            if hasher.finish() != digest {
                checked.damages.push(Damage::WrongManifest { repository: repository.to_owned(), digest });
            }
        }
    }
}

/// Reads a blob, says what is wrong with it, and notes that.
async fn check_blob(registry: &Registry, kept: &KeptBlob) -> Result<Option<Damage>, RegistryError> {
    let KeptBlob { blob, is_damaged } = kept;
    let found = damage(registry, blob).await?;
    if found.is_none() && !is_damaged {
        return Ok(None);
    }
    let damaged_at = found.is_some().then(|| registry.now());
    let is_kept = registry.repositories().note_damage(blob, damaged_at).await?;
    // The collector may have taken it meanwhile, or a push replaced it.
    Ok(found.filter(|_| is_kept))
}

async fn damage(registry: &Registry, blob: &NewBlob) -> Result<Option<Damage>, RegistryError> {
    let mut pieces = match registry.storage().read(&blob.storage_key, 0..blob.size_bytes).await {
        Ok(pieces) => pieces,
        Err(StorageError::Missing(_)) => return Ok(Some(Damage::MissingBlob(blob.digest))),
        Err(error) => return Err(error.into()),
    };
    let is_remote = matches!(registry.storage(), Storage::Objects(_));
    let mut hasher = blob.digest.hasher();
    loop {
        match pieces.try_next().await {
            Ok(Some(piece)) => hasher.update(&piece),
            Ok(None) if hasher.finish() == blob.digest => return Ok(None),
            // That the network broke says nothing of the blob, which nobody would be shown any more.
            Err(error) if is_remote && error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(StorageError::Interrupted(error).into());
            }
            Ok(None) | Err(_) => return Ok(Some(Damage::WrongBlob(blob.digest))),
        }
    }
}
