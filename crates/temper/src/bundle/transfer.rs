//! Copies of images with everything that is signed about them: blobs, manifests, attachments, and the tags last.

use std::io::{self, Cursor, Read};

use anyhow::Error;
use bytes::Bytes;
use temper_attest::carrier::{Attachment, Publication, attestation_tag, signature_tag};
use temper_attest::{Limits, PublicKey};
use temper_compose::{Destination, list_referrers};
use temper_oci::Descriptor;
use temper_oci::document::is_image_document;

use super::Origin;

/// Copies an image with what the keys have signed about it, and lets tags name it; done twice it changes nothing.
pub(crate) fn copy(
    origin: &Origin,
    keys: &[&PublicKey],
    destination: &dyn Destination,
    tags: &[String],
) -> Result<(), Error> {
    let documents = origin.documents()?;
    for document in &documents {
        for blob in document.children().into_iter().filter(|child| !is_image_document(&child.media_type)) {
            destination.put_blob(blob, &|| origin.open(blob))?;
        }
    }
    for document in &documents {
        destination.put_manifest(&document.descriptor(), document.bytes())?;
        copy_attached(origin, &document.descriptor(), keys, destination)?;
    }
    if let Some(root) = documents.last() {
        destination.move_tags(&root.descriptor(), root.bytes(), tags)?;
    }
    Ok(())
}

fn copy_attached(
    origin: &Origin,
    target: &Descriptor,
    keys: &[&PublicKey],
    destination: &dyn Destination,
) -> Result<(), Error> {
    let attached = origin.attached(target)?.vouched_by(target.digest, keys, &Limits::default()).attached;
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
    let publication = Publication { fallback: attached.fallback(target.digest), ..Publication::default() };
    Ok(list_referrers(destination, target.digest, &publication)?)
}

fn copy_attachment(
    origin: &Origin,
    attachment: &Attachment,
    tag: Option<&str>,
    destination: &dyn Destination,
) -> Result<(), Error> {
    let manifest = attachment.manifest();
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        let bytes: Bytes = match attachment.content(&blob.digest) {
            Some(bytes) => bytes.to_vec().into(),
            None => origin.part(blob)?.into(),
        };
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
