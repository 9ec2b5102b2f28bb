//! Carriers: how signatures and attestations are attached to a manifest in a registry.
//!
//! Cosign 2 reads tags that are made from the digest (`sha256-….sig`, `sha256-….att`), cosign 3 reads referrers, and
//! ignores the tags as soon as it finds one referrer that is a bundle. So both are always written, and both are
//! always complete. Where a registry has no referrers API, the index under the *fallback tag* lists the referrers.

mod attach;
mod fallback;
mod legacy;
mod list;
mod publication;
mod referrer;
mod verify;
mod vouched;

use std::collections::BTreeMap;

use temper_oci::{Descriptor, Digest, Document, Index, Manifest};

use crate::error::check_limit;
use crate::statement::Subject;
use crate::{FormatError, Limits, SignError};

pub use attach::attach;
pub use fallback::fallback_tag;
pub use legacy::{attestation_tag, signature_tag};
pub use list::Listed;
pub use publication::{Blob, Publication, Put};
pub use verify::{Claim, Proof, Refusal, Verification};
pub use vouched::Vouched;

/// The manifest that something is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Registry and repository, `registry.example.com/acme/nginx`: what people read in signatures.
    pub repository: String,
    /// Media type, digest and size of the index or manifest.
    pub descriptor: Descriptor,
}

impl Target {
    /// The target as a statement names it.
    pub fn subject(&self) -> Subject {
        Subject::new(&self.repository, self.descriptor.digest)
    }
}

/// Where a signature or attestation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// A tag made from the digest, as cosign 2 writes it.
    LegacyTag,
    /// An OCI 1.1 referrer, as cosign 3 writes it.
    Referrer,
}

/// A manifest that holds signatures or attestations, with the blobs of its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    manifest: Document<Manifest>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Attachment {
    /// Joins a manifest with the content of its layers, in any order; content that no layer names is dropped.
    pub fn new(
        manifest: Document<Manifest>,
        contents: impl IntoIterator<Item = Vec<u8>>,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        check_limit("attachment", "layers", manifest.layers.len(), limits.attachments_max)?;
        let blobs = contents.into_iter().map(|content| (Digest::of(&content), content)).collect();
        Ok(Self { manifest, blobs })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Document<Manifest> {
        &self.manifest
    }

    /// The layers whose content is there.
    fn layers(&self) -> impl Iterator<Item = (&Descriptor, &[u8])> {
        let content = |layer: &Descriptor| self.blobs.get(&layer.digest).map(Vec::as_slice);
        self.manifest.layers.iter().filter_map(move |layer| Some((layer, content(layer)?)))
    }
}

/// Everything that a registry has for one target.
#[derive(Clone, Debug, Default)]
pub struct Attached {
    /// Behind [`signature_tag`].
    pub signatures: Option<Attachment>,
    /// Behind [`attestation_tag`].
    pub attestations: Option<Attachment>,
    /// The referrers whose artifact type is a bundle, from the API or the fallback tag.
    pub referrers: Vec<Attachment>,
    /// Behind [`fallback_tag`].
    pub fallback: Option<Document<Index>>,
}

/// Why nothing can be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The key failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// What the key made does not verify, or what is to be signed is about something else.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The public half of the signer is of no use.
    #[error(transparent)]
    Key(#[from] crate::KeyError),
}

impl AttachError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sign(_) => Some("check that the key's module or service can be reached".to_owned()),
            Self::Format(error) => error.hint(),
            Self::Key(error) => error.hint(),
        }
    }
}
