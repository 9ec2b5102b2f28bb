//! Copies of images with everything that is attached to them: blobs, manifests, attachments, and the tags last.

use std::io::{self, Cursor, Read};

use anyhow::Error;
use bytes::Bytes;
use temper_attest::carrier::{Attached, Attachment, attestation_tag, signature_tag};
use temper_compose::Destination;
use temper_oci::document::is_image_document;
use temper_oci::{Descriptor, Digest};

use super::Origin;

/// Copies an image and lets tags name it; done twice it changes nothing.
pub(crate) fn copy(origin: &Origin, destination: &dyn Destination, tags: &[String]) -> Result<(), Error> {
    let documents = origin.documents()?;
    for document in &documents {
        for blob in document.children().into_iter().filter(|child| !is_image_document(&child.media_type)) {
            destination.put_blob(blob, &|| origin.open(blob))?;
        }
    }
    for document in &documents {
        destination.put_manifest(&document.descriptor(), document.bytes())?;
        copy_attached(origin, &document.descriptor(), destination)?;
    }
    if let Some(root) = documents.last() {
        destination.move_tags(&root.descriptor(), root.bytes(), tags)?;
    }
    Ok(())
}

fn copy_attached(origin: &Origin, target: &Descriptor, destination: &dyn Destination) -> Result<(), Error> {
    let attached = origin.attached(target)?;
    for referrer in &attached.referrers {
        copy_attachment(origin, referrer, None, destination)?;
    }
    let legacy = [
        (signature_tag(target.digest), &attached.signatures),
        (attestation_tag(target.digest), &attached.attestations),
    ];
    for (tag, attachment) in legacy {
        if let Some(attachment) = attachment {
            copy_attachment(origin, attachment, Some(&tag), destination)?;
        }
    }
    copy_list(target.digest, attached, destination)
}

fn copy_attachment(
    origin: &Origin,
    attachment: &Attachment,
    tag: Option<&str>,
    destination: &dyn Destination,
) -> Result<(), Error> {
    let manifest = attachment.manifest();
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        let bytes: Bytes = origin.part(blob)?.into();
        let open = || -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
        destination.put_blob(blob, &open)?;
    }
    let descriptor = super::origin::descriptor(manifest, manifest.media_type());
    match tag {
        Some(tag) => destination.put_attachment(&descriptor, manifest.bytes(), tag)?,
        None => destination.put_manifest(&descriptor, manifest.bytes())?,
    }
    Ok(())
}

/// Writes the list of referrers, where the destination keeps none itself.
fn copy_list(target: Digest, attached: Attached, destination: &dyn Destination) -> Result<(), Error> {
    if attached.referrers.is_empty() || destination.referrers(&target)?.is_some() {
        return Ok(());
    }
    let there = destination.attached(&Descriptor::new("", target, 0))?;
    if let Some(list) = (Attached { fallback: there.fallback, ..attached }).fallback(target) {
        let tag = list.tag.unwrap_or_default();
        destination.put_attachment(&list.descriptor, &list.bytes.into(), &tag)?;
    }
    Ok(())
}
