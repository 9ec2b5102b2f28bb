//! The upstream repository of a mirror, as a look reads it.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::OnceLock;

use bytes::Bytes;
use temper_attest::carrier::Attached;
use temper_compose::{Attachments as _, External};
use temper_fetch::engine::{RegistryDestination, RegistryImage};
use temper_fetch::registry::{RegistryClient, RegistryError};
use temper_oci::{Descriptor, Digest, Reference};
use tokio::runtime::Handle;

/// A repository of a registry with the tags that it had when the look began.
pub(crate) struct Upstream {
    runtime: Handle,
    client: RegistryClient,
    repository: Reference,
    tags: BTreeSet<String>,
    /// Whether the registry keeps lists of referrers, once that is known.
    lists_referrers: OnceLock<bool>,
}

impl Upstream {
    /// Lists the tags of a repository.
    pub(crate) fn open(
        runtime: Handle,
        client: RegistryClient,
        repository: &Reference,
    ) -> Result<Self, External> {
        let repository = repository.without_identifier();
        let context = format!("tags of `{repository}` cannot be listed");
        let tags = runtime.block_on(client.tags(&repository)).map_err(failed(context))?;
        let tags = tags.into_iter().collect();
        Ok(Self { runtime, client, repository, tags, lists_referrers: OnceLock::new() })
    }

    /// Returns all tags, those of attachments too.
    pub(crate) fn tags(&self) -> &BTreeSet<String> {
        &self.tags
    }

    /// Lists the tags that say by their names that they are about a manifest.
    pub(super) fn tags_about(&self, subject: Digest) -> impl Iterator<Item = &String> {
        let name = format!("{}-{}", subject.algorithm(), subject.hex());
        let end = format!("{name}/");
        // Behind the name comes nothing or a dot, which is before the slash.
        self.tags.range(name..end).filter(move |tag| subject_of(tag) == Some(subject))
    }

    /// Asks where a tag points; nothing where it is gone.
    pub(super) fn head(&self, tag: &str) -> Result<Option<Descriptor>, External> {
        let context = || format!("tag `{tag}` of `{}` cannot be looked up", self.repository);
        let reference = self.repository.with_tag(tag).map_err(|error| External::new(context(), error))?;
        let head = self.runtime.block_on(self.client.find_manifest(&reference)).map_err(failed(context()))?;
        Ok(head.map(|head| Descriptor::new(&head.media_type, head.digest, head.size_bytes.unwrap_or(0))))
    }

    /// Reads a manifest or index with its media type.
    pub(super) fn document(&self, digest: Digest) -> Result<(Descriptor, Bytes), External> {
        let reference = self.repository.with_digest(digest);
        let context = format!("`{reference}` cannot be read");
        let fetched = self.runtime.block_on(self.client.manifest(&reference)).map_err(failed(context))?;
        let size = fetched.bytes.len() as u64;
        Ok((Descriptor::new(&fetched.media_type, digest, size), fetched.bytes))
    }

    /// Lists what refers to a manifest; nothing where the registry keeps no such lists.
    pub(super) fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, External> {
        if self.lists_referrers.get() == Some(&false) {
            return Ok(Vec::new());
        }
        let context = format!("referrers of `{}` cannot be listed", self.repository.with_digest(subject));
        let list = self.client.find_referrers(&self.repository, subject, None);
        let referrers = self.runtime.block_on(list).map_err(failed(context))?;
        self.lists_referrers.get_or_init(|| referrers.is_some());
        Ok(referrers.unwrap_or_default())
    }

    /// Reads the signatures and attestations of a manifest.
    pub(super) fn attached(&self, target: &Descriptor) -> Result<Attached, External> {
        let place = RegistryDestination::new(self.runtime.clone(), self.client.clone(), &self.repository);
        place.attached(target)
    }

    /// Opens a blob; the reader fails where the bytes are not those of the digest.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, External> {
        let shown = self.repository.to_string();
        RegistryImage::new(self.runtime.clone(), self.client.clone(), self.repository.clone(), shown)
            .open_blob(descriptor)
    }
}

/// Returns the manifest that a tag is about by its name: `sha256-….sig`, `sha256-….att`, `sha256-….sbom`, `sha256-…`.
pub(crate) fn subject_of(tag: &str) -> Option<Digest> {
    let name = tag.split_once('.').map_or(tag, |(name, _)| name);
    name.replacen('-', ":", 1).parse().ok()
}

fn failed(context: String) -> impl FnOnce(RegistryError) -> External {
    move |error| {
        let hint = error.hint();
        External::new(context, error).with_hint(hint)
    }
}
