//! The images of organizations: in the embedded registry without a network, elsewhere through one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use temper_attest::{PublicKey, Signer};
use temper_compose::{Destination, External, ImageSource};
use temper_fetch::engine::RegistryImage;
use temper_fetch::registry::RegistryClient;
use temper_hub::{Images, Signers};
use temper_oci::{Digest, Reference};
use temper_registry::{ManifestPush, Push, Registry, RepositoryName};
use temper_store::blobs::Blobs;
use tokio::runtime::Handle;

use crate::embedded::{EmbeddedDestination, EmbeddedImage, Name};
use crate::keys::KeyFolder;
use crate::workspace::Workspace;

/// Tags that are read from the records at once.
const PAGE: u32 = 1_000;

/// The images that a server has and reaches.
pub(crate) struct ServedImages {
    runtime: Handle,
    blobs: Blobs,
    client: RegistryClient,
    /// Registry and port with which references to its own images begin.
    authority: String,
    /// Opened after the hub, whom its access asks.
    registry: OnceLock<Registry>,
}

impl ServedImages {
    /// Returns the images of a server that clients know as `authority`.
    pub(crate) fn new(workspace: &Workspace, authority: String) -> Self {
        Self {
            runtime: workspace.runtime.clone(),
            blobs: workspace.blobs.clone(),
            client: workspace.registry.clone(),
            authority,
            registry: OnceLock::new(),
        }
    }

    /// Names the embedded registry; before that, nothing of it is there.
    pub(crate) fn attach(&self, registry: Registry) {
        // A second one cannot come: a server opens one registry.
        let _ = self.registry.set(registry);
    }

    fn registry(&self) -> Result<&Registry, External> {
        let message = "the embedded registry is not open yet".to_owned();
        self.registry.get().ok_or(External { message, hint: None, source: None })
    }

    fn place(&self, repository: &str) -> Result<EmbeddedDestination, External> {
        let place = EmbeddedDestination::over(&self.runtime, self.registry()?, &self.blobs, repository);
        place.map_err(|error| External::new(format!("repository `{repository}` cannot be used"), error))
    }

    /// Returns the name below the embedded registry's host; nothing where another registry is meant.
    fn own<'r>(&self, reference: &'r str) -> Option<&'r str> {
        let own = reference.strip_prefix(&self.authority).and_then(|rest| rest.strip_prefix('/'));
        own.or_else(|| (!Reference::names_registry(reference)).then_some(reference))
    }

    async fn read_tags(&self, repository: &str) -> Result<BTreeMap<String, Digest>, Failed> {
        let repositories = self.registry()?.repositories();
        let mut found = BTreeMap::new();
        loop {
            let after = found.last_key_value().map(|(tag, _): (&String, _)| tag.clone());
            let page = repositories.list_tag_digests(repository, after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }

    /// Gathers manifests that are there, with the tags that are to name them.
    async fn push(&self, repository: &str, tags: &BTreeMap<String, Digest>) -> Result<Push, Failed> {
        let mut by_digest: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (tag, digest) in tags {
            by_digest.entry(*digest).or_default().push(tag.clone());
        }
        let repositories = self.registry()?.repositories();
        let mut push = Push::default();
        for (digest, tags) in by_digest {
            let missing = || format!("manifest `{digest}` is not there");
            let record = repositories.find_manifest(repository, digest).await?.ok_or_else(missing)?;
            let bytes: Bytes = repositories.read_manifest(repository, digest).await?.ok_or_else(missing)?;
            let media_type = Some(record.media_type);
            push.manifests.push(ManifestPush { bytes, media_type, digest: Some(digest), tags });
        }
        Ok(push)
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn name(repository: &str) -> Result<RepositoryName, Failed> {
    RepositoryName::parse(repository)
        .ok_or_else(|| format!("`{repository}` is not the name of a repository").into())
}

impl Images for ServedImages {
    fn open(&self, reference: &str) -> Result<Box<dyn ImageSource>, External> {
        let wrong = |error: Failed| External::new(format!("`{reference}` names no image"), error);
        let Some(own) = self.own(reference) else {
            let parsed: Reference = reference.parse().map_err(|error| wrong(Box::new(error)))?;
            let (runtime, client) = (self.runtime.clone(), self.client.clone());
            return Ok(Box::new(RegistryImage::new(runtime, client, parsed, reference.to_owned())));
        };
        let (repository, name) = split(own).map_err(wrong)?;
        Ok(Box::new(EmbeddedImage::new(self.place(repository)?, name, reference.to_owned())))
    }

    fn destination(&self, repository: &str) -> Result<Box<dyn Destination>, External> {
        Ok(Box::new(self.place(repository)?))
    }

    fn tags(&self, repository: &str) -> Result<BTreeMap<String, Digest>, External> {
        let read = self.runtime.block_on(self.read_tags(repository));
        read.map_err(|error| External::new(format!("tags of `{repository}` cannot be read"), error))
    }

    fn move_tags(&self, repository: &str, tags: &BTreeMap<String, Digest>) -> Result<(), External> {
        let moved = self.runtime.block_on(async {
            let push = self.push(repository, tags).await?;
            Ok(self.registry()?.push(&name(repository)?, push).await?)
        });
        moved.map_err(|error: Failed| External::new(format!("tags of `{repository}` cannot be moved"), error))
    }

    fn remove_tags(&self, repository: &str, tags: &[String]) -> Result<(), External> {
        let removed = self.runtime.block_on(async {
            let (registry, name) = (self.registry()?, name(repository)?);
            for tag in tags {
                registry.remove_tag(&name, tag).await?;
            }
            Ok(())
        });
        removed.map_err(|error: Failed| {
            External::new(format!("tags of `{repository}` cannot be removed"), error)
        })
    }

    fn full_name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.authority)
    }
}

/// Splits `REPOSITORY:TAG` or `REPOSITORY@DIGEST`.
fn split(text: &str) -> Result<(&str, Name), Failed> {
    if let Some((repository, digest)) = text.split_once('@') {
        // A tag beside a digest says nothing more.
        let repository = repository.split_once(':').map_or(repository, |(repository, _)| repository);
        return Ok((repository, Name::Digest(digest.parse()?)));
    }
    let (repository, tag) = text.rsplit_once(':').unwrap_or((text, "latest"));
    temper_oci::reference::check_tag(tag)?;
    Ok((repository, Name::Tag(tag.to_owned())))
}

/// The instance's keys: every organization's builds are signed with them.
pub(crate) struct ServedSigners {
    keys: Arc<KeyFolder>,
    /// The key that was opened last, by number: opening one is slow by design.
    opened: Mutex<Option<(u32, Arc<dyn Signer>)>>,
}

impl ServedSigners {
    /// Signs with the keys of a folder.
    pub(crate) fn new(keys: Arc<KeyFolder>) -> Self {
        Self { keys, opened: Mutex::default() }
    }

    fn open(&self) -> Result<Arc<dyn Signer>, anyhow::Error> {
        let latest = self.keys.latest_or_first()?.number;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, signer)) = &*opened
            && *number == latest
        {
            return Ok(Arc::clone(signer));
        }
        let signer: Arc<dyn Signer> = Arc::from(self.keys.signer()?);
        *opened = Some((latest, Arc::clone(&signer)));
        Ok(signer)
    }
}

impl Signers for ServedSigners {
    fn signer(&self, _: &str) -> Result<Arc<dyn Signer>, External> {
        self.open().map_err(|error| {
            let hint = crate::failure::hint(&error);
            External::new("the key that signs cannot be opened", error).with_hint(hint)
        })
    }

    fn trusted(&self, _: &str) -> Result<Vec<PublicKey>, External> {
        let keys = self.keys.keys().map_err(|error| External::new("the keys cannot be read", error))?;
        Ok(keys.into_iter().map(|key| key.public).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_split() {
        for (text, repository, expected) in
            [("acme/python:3.13", "acme/python", "3.13"), ("acme/python", "acme/python", "latest")]
        {
            let (found, name) = split(text).expect("is a name");
            assert_eq!(found, repository);
            assert!(matches!(name, Name::Tag(tag) if tag == expected), "{text}");
        }
        let digest = Digest::of("x");
        for text in [format!("acme/python@{digest}"), format!("acme/python:3@{digest}")] {
            let (found, name) = split(&text).expect("is a name");
            assert_eq!(found, "acme/python");
            assert!(matches!(name, Name::Digest(found) if found == digest), "{text}");
        }
        for wrong in ["acme/python:", "acme/python@sha256:1", "acme/python:a b"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
