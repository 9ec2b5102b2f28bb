//! The collector: removes what nothing needs, while pushes run.
//!
//! What is needed is decided by the records alone, in the transaction that forgets the rest; only then do bytes go. No
//! file's time is asked. In this order:
//!
//! 1. Uploads that were silent for too long end.
//! 2. Each repository gives up manifests and blobs that its [`Retention`] does not keep.
//! 3. Blobs that no repository shows are forgotten, and their bytes removed.
//! 4. Repositories that show nothing are forgotten.
//! 5. Bytes without an owner go once that is known for a while: what a crash left between the storage and the records.

use std::collections::BTreeMap;
use std::time::Duration;

use temper_oci::Digest;
use temper_store::records::{Cutoffs, Micros, Release, ReleasedBlob};
use temper_store::staging::Staging;

use crate::error::RegistryError;
use crate::events::{Author, Change};
use crate::limits::micros;
use crate::name::RepositoryName;
use crate::policy::Retention;
use crate::registry::Registry;
use crate::storage;

/// How to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectOptions {
    /// How long blobs and manifests that nothing needs, and silent uploads, are kept. Shorter than a push takes, it
    /// makes clients begin again; nothing that was pushed whole is lost.
    pub grace: Duration,
    /// Tell what would be done, and change nothing.
    pub dry_run: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self { grace: Retention::AGE_MIN, dry_run: false }
    }
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Ids of uploads that ended, sorted.
    pub uploads: Vec<String>,
    /// What repositories gave up, by name; those that gave up nothing are left out.
    pub repositories: Vec<CollectedRepository>,
    /// Blobs whose bytes were removed, by digest, with their sizes in bytes.
    pub blobs: Vec<(Digest, u64)>,
    /// Storage keys and file names of bytes without an owner, with their sizes in bytes.
    pub leftovers: Vec<(String, u64)>,
}

/// What one repository gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedRepository {
    /// Its name.
    pub repository: String,
    /// Manifests, by digest.
    pub manifests: Vec<Digest>,
    /// Blobs, by digest; other repositories may show them.
    pub blobs: Vec<Digest>,
}

impl Collected {
    /// Returns how many bytes were freed.
    pub fn bytes(&self) -> u64 {
        let blobs = self.blobs.iter().map(|(_, size_bytes)| size_bytes);
        blobs.chain(self.leftovers.iter().map(|(_, size_bytes)| size_bytes)).sum()
    }
}

impl Registry {
    /// Removes what nothing needs; pushes may run meanwhile, also those of other processes.
    pub async fn collect(&self, options: CollectOptions) -> Result<Collected, RegistryError> {
        let rules = rules(self, options.grace).await?;
        if options.dry_run {
            return preview(self, options.grace, &rules).await;
        }
        let upload_grace = self.limits().upload_idle_max.min(options.grace);
        let mut collected =
            Collected { uploads: expire_uploads(self, upload_grace).await?, ..Collected::default() };
        for (repository, cutoffs) in &rules {
            let release = self.repositories().release(repository, *cutoffs).await?;
            tell(self, &release);
            collected.add(release);
        }
        for blob in self.repositories().release_blobs().await? {
            self.storage().remove(&blob.storage_key).await?;
            collected.blobs.push((blob.digest, blob.size_bytes));
        }
        self.repositories().remove_empty().await?;
        collected.leftovers = leftovers(self, options.grace, true).await?;
        log(&collected);
        Ok(collected)
    }
}

impl Collected {
    fn add(&mut self, release: Release) {
        if !release.is_empty() {
            let Release { repository, manifests, blobs } = release;
            let manifests = manifests.into_iter().map(|(digest, _)| digest).collect();
            let blobs = blobs.into_iter().map(|(digest, _)| digest).collect();
            self.repositories.push(CollectedRepository { repository, manifests, blobs });
        }
    }
}

/// Ends uploads that were silent for so long, and removes what had arrived of them.
pub(crate) async fn expire_uploads(
    registry: &Registry,
    idle: Duration,
) -> Result<Vec<String>, RegistryError> {
    let before = registry.now().saturating_sub(micros(idle));
    let ids = registry.repositories().expire_uploads(before).await?;
    for id in &ids {
        registry.uploads().close(id);
        storage::remove_staged(registry, id).await?;
    }
    Ok(ids)
}

/// Returns from when on each repository keeps what nothing needs.
async fn rules(registry: &Registry, grace: Duration) -> Result<Vec<(String, Cutoffs)>, RegistryError> {
    const PAGE: u32 = 1000;
    let ago = |duration| -> Micros { registry.now().saturating_sub(micros(duration)) };
    let mut rules: Vec<(String, Cutoffs)> = Vec::new();
    loop {
        let last = rules.last().map(|(repository, _)| repository.clone());
        let page = registry.repositories().list(last.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        for repository in page {
            let name = RepositoryName::parse(&repository);
            let name = name.ok_or_else(|| RegistryError::Name(repository.clone()))?;
            let Retention { newest, age } = registry.policy(&name).await?.retention;
            let cutoffs = Cutoffs { young: ago(grace), retained: ago(age.max(grace)), newest };
            rules.push((repository, cutoffs));
        }
        if is_last {
            return Ok(rules);
        }
    }
}

async fn preview(
    registry: &Registry,
    grace: Duration,
    rules: &[(String, Cutoffs)],
) -> Result<Collected, RegistryError> {
    let idle = registry.limits().upload_idle_max.min(grace);
    let before = registry.now().saturating_sub(micros(idle));
    let mut uploads = registry.repositories().list_uploads(None, before).await?;
    uploads.sort_unstable();
    let mut collected = Collected { uploads, ..Collected::default() };
    let (releases, blobs) = registry.repositories().preview_release(rules).await?;
    for release in releases {
        collected.add(release);
    }
    collected.blobs =
        blobs.iter().map(|ReleasedBlob { digest, size_bytes, .. }| (*digest, *size_bytes)).collect();
    collected.leftovers = leftovers(registry, grace, false).await?;
    Ok(collected)
}

/// Finds bytes that belong to no blob and no upload, and removes them if told to.
///
/// What the storage has must be without an owner for as long as `grace`, from one pass to another.
async fn leftovers(
    registry: &Registry,
    grace: Duration,
    remove: bool,
) -> Result<Vec<(String, u64)>, RegistryError> {
    // Both are listed before the records are asked who owns them: what comes later is not in the lists.
    let kept = registry.storage().list().await?;
    let staged = storage::staging(registry, Staging::list).await?;
    let sizes: BTreeMap<_, _> = kept.iter().cloned().collect();
    let mut leftovers = Vec::new();
    let keys = kept.into_iter().map(|(key, _)| key).collect();
    let unowned = registry.repositories().list_unowned(keys).await?;
    let at = registry.now();
    let before = at.saturating_sub(micros(grace));
    let mut waiting = registry.repositories().list_leftovers(&unowned, at).await?;
    for (key, _) in waiting.extract_if(.., |_, seen_at| *seen_at <= before) {
        if remove {
            registry.storage().remove(&key).await?;
        }
        let size_bytes = sizes.get(&key).copied().unwrap_or(0);
        leftovers.push((key.to_string(), size_bytes));
    }
    if remove {
        registry.repositories().note_leftovers(&waiting).await?;
    }
    for (id, size_bytes) in staged {
        if registry.repositories().find_upload(&id).await?.is_none() {
            if remove {
                storage::remove_staged(registry, &id).await?;
            }
            leftovers.push((id, size_bytes));
        }
    }
    Ok(leftovers)
}

fn tell(registry: &Registry, release: &Release) {
    let Some(repository) = RepositoryName::parse(&release.repository) else { return };
    for (digest, media_type) in release.manifests.iter().cloned() {
        let change = Change::ManifestRemoved { digest, media_type, tags: Vec::new() };
        registry.events().send(&repository, &Author::PROGRAM, change);
    }
}

fn log(collected: &Collected) {
    let manifests: usize = collected.repositories.iter().map(|repository| repository.manifests.len()).sum();
    tracing::info!(
        uploads = collected.uploads.len(),
        manifests,
        blobs = collected.blobs.len(),
        leftovers = collected.leftovers.len(),
        size_bytes = collected.bytes(),
        "collected what nothing needs"
    );
}
