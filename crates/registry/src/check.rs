//! The check of everything that is kept: every byte is read and compared with its digest.

use futures_util::TryStreamExt as _;
use temper_oci::Digest;
use temper_store::records::{Dangling, NewBlob};
use temper_store::storage::StorageError;

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
    pub async fn check(&self) -> Result<Checked, RegistryError> {
        let mut checked = Checked::default();
        let mut last = None;
        loop {
            let page = self.repositories().list_blobs(last, PAGE).await?;
            let Some(blob) = page.last() else { break };
            last = Some(blob.digest);
            for blob in page {
                checked.blobs += 1;
                checked.blob_bytes += blob.size_bytes;
                checked.damages.extend(damage(self, &blob).await?);
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

/// Reads a blob and says what is wrong with it.
async fn damage(registry: &Registry, blob: &NewBlob) -> Result<Option<Damage>, RegistryError> {
    let found = match registry.storage().read(&blob.storage_key, 0..blob.size_bytes).await {
        Ok(mut pieces) => {
            let mut hasher = blob.digest.hasher();
            loop {
                match pieces.try_next().await {
                    Ok(Some(piece)) => hasher.update(&piece),
                    Ok(None) if hasher.finish() == blob.digest => return Ok(None),
                    Ok(None) | Err(_) => break Damage::WrongBlob(blob.digest),
                }
            }
        }
        Err(StorageError::Missing(_)) => Damage::MissingBlob(blob.digest),
        Err(error) => return Err(error.into()),
    };
    // The collector may have taken it meanwhile.
    Ok(registry.repositories().has_blob(blob.digest).await?.then_some(found))
}
