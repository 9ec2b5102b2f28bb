//! The fallback tag: the list of referrers where a registry keeps none.
//!
//! Follows the [OCI distribution specification, "Referrers Tag Schema"](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema).

use temper_oci::{Descriptor, Digest, Document, Index};

use crate::carrier::{Attached, Publication, Put, referrer};

impl Attached {
    /// The list of all referrers, to be put where they were copied to; nothing where the list is right already.
    pub fn fallback(&self, target: Digest) -> Option<Put> {
        merge(target, self, Vec::new())
    }
}

impl Publication {
    /// A publication of nothing but one more referrer in the list of a target.
    pub fn listing(target: Digest, referrer: Descriptor) -> Self {
        Self { fallback: merge(target, &Attached::default(), vec![referrer]), ..Self::default() }
    }

    /// The list to put over the one that is there now, which may have changed since the publication was made; nothing
    /// where that one is right already.
    pub fn fallback_over(&self, target: Digest, current: Option<Document<Index>>) -> Option<Put> {
        let list = Document::<Index>::parse(self.fallback.as_ref()?.bytes.clone()).ok()?;
        merge(target, &Attached { fallback: current, ..Attached::default() }, list.manifests.clone())
    }
}

/// The tag of the list of a manifest's referrers. Longer digests are cut, so that it is within 128 characters.
pub fn fallback_tag(digest: Digest) -> String {
    let hex = digest.hex();
    format!("{}-{}", digest.algorithm(), &hex[..hex.len().min(64)])
}

/// The list with `added` behind what is there, or nothing where the list is right already.
///
/// Entries of others stay. Entries of known referrers are corrected: cosign's library lists them with the artifact
/// type of their config and without annotations, and then no client finds them by type.
pub(super) fn merge(target: Digest, attached: &Attached, added: Vec<Descriptor>) -> Option<Put> {
    // `cosign copy` writes the index itself under this tag; its platforms are no referrers.
    let existing = attached.fallback.as_ref().filter(|document| document.digest() != target);
    let mut index = existing.map_or_else(|| Index::of(Vec::new()), |document| (**document).clone());
    let known = attached.referrers.iter().map(|attachment| {
        let manifest = attachment.manifest();
        let size = manifest.bytes().len() as u64;
        let descriptor = Descriptor::new(manifest.media_type(), manifest.digest(), size);
        referrer::listed(descriptor, manifest)
    });
    for descriptor in known.chain(added) {
        match index.manifests.iter_mut().find(|entry| entry.digest == descriptor.digest) {
            Some(entry) => *entry = descriptor,
            None => index.manifests.push(descriptor),
        }
    }
    put(target, existing, &index)
}

fn put(target: Digest, existing: Option<&Document<Index>>, index: &Index) -> Option<Put> {
    if index.manifests.is_empty() || existing.is_some_and(|document| **document == *index) {
        return None;
    }
    let bytes = index.to_bytes();
    let descriptor = Descriptor::of(index.media_type(), &bytes);
    Some(Put { tag: Some(fallback_tag(target)), descriptor, bytes })
}
