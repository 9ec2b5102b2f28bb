//! What is to be put into a registry, in order.

use temper_oci::{Descriptor, Manifest};

/// Blobs first, then manifests in their order, the fallback tag last.
///
/// An empty publication means that everything is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// Blobs that the manifests name; some may exist.
    pub blobs: Vec<Blob>,
    /// Manifests, referrers before tags.
    pub manifests: Vec<Put>,
    /// The index of referrers where the registry has no referrers API; [`Publication::fallback_over`] joins it with
    /// what is there when it is put.
    pub fallback: Option<Put>,
}

/// A blob with what describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A manifest or index to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The tag to put it under; without one it goes under its digest.
    pub tag: Option<String>,
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Publication {
    /// Says whether there is nothing to do, for a registry with or without a referrers API.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.fallback.is_none()
    }

    /// Adds a blob once and returns its descriptor.
    pub(super) fn add_blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let descriptor = Descriptor::of(media_type, &bytes);
        if self.blobs.iter().all(|blob| blob.descriptor != descriptor) {
            self.blobs.push(Blob { descriptor: descriptor.clone(), bytes });
        }
        descriptor
    }

    /// Adds a manifest and returns its descriptor.
    pub(super) fn add_manifest(&mut self, tag: Option<String>, manifest: &Manifest) -> Descriptor {
        let bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(manifest.media_type(), &bytes);
        self.manifests.push(Put { tag, descriptor: descriptor.clone(), bytes });
        descriptor
    }
}
