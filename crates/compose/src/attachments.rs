//! What is attached to images where they are: signatures and attestations, however they are carried.

use temper_attest::carrier::{Attached, Attachment, attestation_tag, fallback_tag, signature_tag};
use temper_attest::{Limits, bundle};
use temper_oci::document::{DOCUMENT_BYTES_MAX, is_image_document};
use temper_oci::media_type::OCI_EMPTY;
use temper_oci::{Descriptor, Digest, Document, ImageDocument, Index, Manifest};

use crate::error::External;

/// A repository or a layout as the place where things are attached to manifests.
///
/// Implementors read single documents; [`Attachments::attached`] knows which ones, and bounds them.
pub trait Attachments: Send + Sync {
    /// Reads what a tag leads to; nothing where there is no such tag.
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External>;

    /// Lists what refers to a manifest; nothing where the place keeps no such list, so that the fallback tag has it.
    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External>;

    /// Reads a manifest or a blob whole; nothing where it is not there.
    ///
    /// # Errors
    ///
    /// Also fails where the bytes do not have the descriptor's digest.
    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External>;

    /// Reads everything that is attached to a manifest or index, by legacy tags and as referrers.
    ///
    /// What a list names and the place does not have is left out; whoever needs it finds it missing.
    fn attached(&self, target: &Descriptor) -> Result<Attached, External> {
        Reading::new(self, Limits::default()).all(target.digest)
    }
}

/// One look at what is attached to a manifest.
struct Reading<'a, P: ?Sized> {
    place: &'a P,
    bytes_left: u64,
    parts_left: usize,
    limits: Limits,
}

impl<'a, P: Attachments + ?Sized> Reading<'a, P> {
    fn new(place: &'a P, limits: Limits) -> Self {
        let (bytes_left, parts_left) = (limits.attached_bytes_max, limits.attached_parts_max);
        Self { place, bytes_left, parts_left, limits }
    }

    fn all(mut self, target: Digest) -> Result<Attached, External> {
        let signatures = self.tag(&signature_tag(target))?;
        let attestations = self.tag(&attestation_tag(target))?;
        let (listed, fallback) = match self.place.referrers(&target)? {
            Some(listed) => (listed, None),
            None => match self.fallback(target)? {
                // `cosign copy` writes the index itself under this tag; its platforms are no referrers.
                Some(index) if index.digest() == target => (Vec::new(), Some(index)),
                index => (index.as_ref().map(|index| index.manifests.clone()).unwrap_or_default(), index),
            },
        };
        let referrers = self.bundles(target, &listed)?;
        Ok(Attached { signatures, attestations, referrers, fallback })
    }

    fn tag(&mut self, tag: &str) -> Result<Option<Attachment>, External> {
        match self.place.tagged(tag)? {
            Some(ImageDocument::Manifest(manifest)) => self.attachment(manifest).map(Some),
            _ => Ok(None),
        }
    }

    fn fallback(&self, target: Digest) -> Result<Option<Document<Index>>, External> {
        match self.place.tagged(&fallback_tag(target))? {
            Some(ImageDocument::Index(index)) => Ok(Some(index)),
            _ => Ok(None),
        }
    }

    /// Reads the bundles among the referrers of a manifest, in the order of their list.
    fn bundles(&mut self, target: Digest, listed: &[Descriptor]) -> Result<Vec<Attachment>, External> {
        let mut bundles = Vec::new();
        for (position, descriptor) in listed.iter().filter(|entry| may_be_bundle(entry)).enumerate() {
            if position >= self.limits.attachments_max {
                return Err(too_much(&format!("referrers of `{target}`"), self.limits.attachments_max));
            }
            let Some(bytes) = self.part(descriptor, DOCUMENT_BYTES_MAX as u64)? else { continue };
            // What is no manifest, or one of something else, says nothing about the target.
            let Ok(manifest) = Document::<Manifest>::parse(bytes) else { continue };
            let is_about = manifest.subject.as_ref().is_some_and(|subject| subject.digest == target);
            if is_about && manifest.artifact_type.as_deref() == Some(bundle::MEDIA_TYPE) {
                bundles.push(self.attachment(manifest)?);
            }
        }
        Ok(bundles)
    }

    /// Reads the layers of a manifest that hold signatures, envelopes or bundles.
    fn attachment(&mut self, manifest: Document<Manifest>) -> Result<Attachment, External> {
        let name = format!("attachment `{}`", manifest.digest());
        if manifest.layers.len() > self.limits.attachments_max {
            return Err(too_much(&format!("layers of {name}"), self.limits.attachments_max));
        }
        let wanted = Attachment::wanted(&manifest);
        let mut contents = Vec::new();
        for layer in manifest.layers.iter().filter(|layer| wanted.contains(&layer.digest)) {
            contents.extend(self.part(layer, self.limits.envelope_bytes_max as u64)?);
        }
        Attachment::new(manifest, contents, &self.limits)
            .map_err(|error| External::new(format!("{name} cannot be used"), error))
    }

    /// Reads a document of which the list says that it is small enough.
    fn part(&mut self, descriptor: &Descriptor, bytes_max: u64) -> Result<Option<Vec<u8>>, External> {
        let allowed = bytes_max.min(self.bytes_left);
        if descriptor.size > allowed {
            return Err(too_much(&format!("bytes of attachment `{}`", descriptor.digest), allowed));
        }
        let Some(parts_left) = self.parts_left.checked_sub(1) else {
            let max = self.limits.attached_parts_max;
            return Err(too_much("manifests and blobs that are attached", max));
        };
        self.bytes_left -= descriptor.size;
        self.parts_left = parts_left;
        self.place.part(descriptor)
    }
}

/// Says whether a referrer is worth reading. Cosign's library lists bundles with the type of their empty config.
fn may_be_bundle(descriptor: &Descriptor) -> bool {
    let artifact_type = descriptor.artifact_type.as_deref();
    is_image_document(&descriptor.media_type)
        && artifact_type.is_none_or(|kind| kind == bundle::MEDIA_TYPE || kind == OCI_EMPTY)
}

fn too_much(what: &str, max: impl std::fmt::Display) -> External {
    External { message: format!("{what} are more than {max}"), hint: None, source: None }
}
