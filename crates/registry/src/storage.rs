//! The storage as the server uses it: what arrives becomes a blob, and every wait for a disk is on a blocking thread.

use std::io;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use temper_oci::Digest;
use temper_store::blobs::BlobError;
use temper_store::records::{NewBlob, Quota};
use temper_store::staging::{StagedBlob, Staging};
use temper_store::storage::{StorageError, StorageKey};
use tokio::task::spawn_blocking;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::registry::Registry;

impl Registry {
    /// Makes the storage this registry's own; fails where it keeps the blobs of other records.
    pub async fn claim_storage(&self) -> Result<(), RegistryError> {
        let owner = self.repositories().settle_owner(&random_id()?).await?;
        Ok(self.storage().claim(&owner).await?)
    }

    /// Fails where the storage keeps the blobs of other records; one that is nobody's stays so.
    pub async fn check_storage(&self) -> Result<(), RegistryError> {
        let owner = self.repositories().find_owner().await?;
        Ok(self.storage().check_owner(owner.as_deref()).await?)
    }
}

/// Makes an id that nobody guesses, of 32 letters and digits.
pub(crate) fn random_id() -> Result<String, RegistryError> {
    let mut id = [0; 16];
    SystemRandom::new().fill(&mut id).map_err(|_| {
        StorageError::Interrupted(io::Error::other("the operating system gives no random bytes"))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(id)))
}

/// Makes staged bytes, whose digest was checked, a blob of the repository, and ends their upload.
///
/// The bytes are safe on their storage before the records know them, and the records before a client does.
pub(crate) async fn keep(
    registry: &Registry,
    repository: &RepositoryName,
    upload: &str,
    staged: &StagedBlob,
    (digest, quotas): (Digest, &[Quota]),
) -> Result<u64, RegistryError> {
    let (repositories, at) = (registry.repositories(), registry.now());
    let known = repositories.link_blob(repository.as_str(), digest, Some(upload), quotas, at).await?;
    if let Some(size_bytes) = known {
        remove_staged(registry, upload).await?;
        return Ok(size_bytes);
    }
    let storage_key = StorageKey::new(digest, upload);
    registry.storage().keep(&storage_key, staged).await?;
    let blob = NewBlob { digest, size_bytes: staged.size_bytes(), storage_key };
    let added = repositories.add_blob(repository.as_str(), &blob, upload, quotas, at).await;
    if !matches!(added, Ok(true)) {
        // Another upload was first, or there is no room. What stays after a failure here is collected later.
        let _ = registry.storage().remove(&blob.storage_key).await;
    }
    added?;
    remove_staged(registry, upload).await?;
    Ok(blob.size_bytes)
}

/// Removes what has arrived of an upload, and forgets it.
pub(crate) async fn discard(registry: &Registry, upload: &str) -> Result<(), RegistryError> {
    remove_staged(registry, upload).await?;
    registry.repositories().remove_upload(upload).await?;
    Ok(())
}

/// Removes what has arrived of an upload, as far as that can be done now: a full disk may take no more records.
pub(crate) async fn discard_or_log(registry: &Registry, upload: &str) {
    if let Err(error) = discard(registry, upload).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(upload.id = upload, error, "upload stays until it expires");
    }
}

/// Removes the file of an upload; harmless where the storage has taken it.
pub(crate) async fn remove_staged(registry: &Registry, upload: &str) -> Result<(), RegistryError> {
    let upload = upload.to_owned();
    staging(registry, move |staging| staging.remove(&upload)).await
}

/// Works with the folder of staged files.
pub(crate) async fn staging<T: Send + 'static>(
    registry: &Registry,
    work: impl FnOnce(&Staging) -> Result<T, BlobError> + Send + 'static,
) -> Result<T, RegistryError> {
    let staging = registry.staging().clone();
    blocking(move || work(&staging)).await
}

/// Does something that waits for a disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, RegistryError> {
    let done = spawn_blocking(work).await;
    let done = done.map_err(|stopped| StorageError::Interrupted(stopped.into()))?;
    Ok(done.map_err(StorageError::from)?)
}
