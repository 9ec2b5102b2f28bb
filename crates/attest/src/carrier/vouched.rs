//! What of all that is attached some keys vouch for: what a copy takes along when strangers have attached things too.

use std::collections::BTreeSet;

use temper_oci::{Descriptor, Digest, Document, Manifest, media_type};

use crate::carrier::verify::claim;
use crate::carrier::{Attached, Attachment, legacy};
use crate::{Limits, PublicKey};

/// The part of [`Attached`] that is signed, and what is left out.
#[derive(Clone, Debug, Default)]
pub struct Vouched {
    /// What one of the keys has signed about the target; the list under the fallback tag is left out, to be made anew.
    pub attached: Attached,
    /// Digests of layers of legacy tags and of referrers that none of the keys has signed.
    pub left_out: BTreeSet<Digest>,
}

impl Attached {
    /// Takes what one of the keys has signed about a target.
    ///
    /// The manifests behind legacy tags hold what everybody has attached; one with others' layers is made anew.
    pub fn vouched_by(&self, target: Digest, keys: &[&PublicKey], limits: &Limits) -> Vouched {
        let mut left_out = BTreeSet::new();
        let is_signed = |layer: &Descriptor, content: &[u8]| {
            keys.iter()
                .any(|key| claim(layer, content, target, key, limits).is_some_and(|claim| claim.is_ok()))
        };
        let mut tag = |attachment: &Option<Attachment>| {
            let attachment = attachment.as_ref()?;
            let (kept, others) = attachment.split(&is_signed);
            left_out.extend(others);
            attachment.with_layers(kept)
        };
        let (signatures, attestations) = (tag(&self.signatures), tag(&self.attestations));
        let mut referrers = Vec::new();
        for referrer in &self.referrers {
            match referrer.split(&is_signed) {
                (_, others) if others.is_empty() => referrers.push(referrer.clone()),
                _ => drop(left_out.insert(referrer.manifest().digest())),
            }
        }
        Vouched { attached: Self { signatures, attestations, referrers, fallback: None }, left_out }
    }
}

impl Attachment {
    /// Tells layers that are signed from the digests of those that are not; one without content is not.
    fn split(&self, is_signed: &dyn Fn(&Descriptor, &[u8]) -> bool) -> (Vec<Descriptor>, Vec<Digest>) {
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for layer in &self.manifest.layers {
            match self.blobs.get(&layer.digest).filter(|content| is_signed(layer, content)) {
                Some(_) => kept.push(layer.clone()),
                None => others.push(layer.digest),
            }
        }
        (kept, others)
    }

    /// The manifest of a legacy tag with these of its layers alone; nothing without any.
    fn with_layers(&self, layers: Vec<Descriptor>) -> Option<Self> {
        if layers.is_empty() {
            return None;
        }
        if layers.len() == self.manifest.layers.len() {
            return Some(self.clone());
        }
        let config = legacy::config(&layers);
        let manifest = Manifest::image(Descriptor::of(media_type::OCI_CONFIG, &config), layers);
        let manifest = Document::parse(manifest.to_bytes()).expect("what was written can be read");
        let mut blobs = self.blobs.clone();
        blobs.insert(Digest::of(&config), config);
        Some(Self { manifest, blobs })
    }

    /// The content of a blob, as far as it was read.
    pub fn content(&self, digest: &Digest) -> Option<&[u8]> {
        self.blobs.get(digest).map(Vec::as_slice)
    }
}
