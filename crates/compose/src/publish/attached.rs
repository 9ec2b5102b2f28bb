//! Signatures and attestations of an image: all its manifests and the index, by both carriers.

use std::io::Cursor;

use temper_attest::carrier::{Attached, Blob, Publication, Put, Target, attach};
use temper_attest::provenance::BuildRecord;
use temper_attest::{Limits, PublicKey, Statement, predicate};
use temper_oci::Descriptor;

use crate::error::{ComposeError, External};
use crate::event::{Event, Log, Step};
use crate::publish::{Attestation, BoxedOpen, BuiltImage, Destination, Upload, publish_blobs};

/// A manifest or the index with what is said of it, and what is attached to it already.
struct Subject<'a> {
    target: Target,
    statements: &'a [Statement],
    attached: Attached,
}

/// Attaches statements and signatures: blobs, then the manifests that hold them, platforms before the index.
///
/// What the key has said before is not said again. A provenance that differs from one that is there only in who ran
/// the build when is the same: the first one stays.
pub(super) fn publish(
    image: &BuiltImage,
    attestation: &Attestation<'_>,
    destination: &dyn Destination,
    log: &dyn Log,
) -> Result<(), ComposeError> {
    let Attestation { statements, signer, .. } = attestation;
    let limits = Limits::default();
    log.event(Event::new(Step::Publish, "sign"));
    let subjects = subjects(image, attestation, destination)?;
    let key = PublicKey::of(*signer).map_err(failed)?;
    let earlier = earlier_provenance(&subjects, &statements.record, &key, &limits);
    let mut publications = Vec::new();
    for subject in &subjects {
        let statements = with_provenance(subject.statements, earlier.as_ref());
        let created = &attestation.statements.created;
        let publication = attach(&subject.target, &statements, created, &subject.attached, *signer, &limits);
        publications.push((&subject.target, publication.map_err(failed)?));
    }
    put(&publications, destination, log)
}

/// Reads what is attached to each manifest, platforms in the order of the index and the index last.
fn subjects<'a>(
    image: &'a BuiltImage,
    attestation: &'a Attestation<'_>,
    destination: &dyn Destination,
) -> Result<Vec<Subject<'a>>, ComposeError> {
    let platforms = attestation.statements.platforms.iter();
    let platforms = platforms.map(|(descriptor, statements)| (descriptor, statements.as_slice()));
    let index = [(&image.index, attestation.statements.index.as_slice())];
    let subject = |(descriptor, statements): (&'a Descriptor, &'a [Statement])| {
        let repository = attestation.repository.to_owned();
        let target = Target { repository, descriptor: descriptor.clone() };
        let attached = destination.attached(descriptor)?;
        Ok(Subject { target, statements, attached })
    };
    platforms.chain(index).map(subject).collect()
}

/// Finds a provenance of the same build by the same key.
fn earlier_provenance(
    subjects: &[Subject<'_>],
    record: &BuildRecord,
    key: &PublicKey,
    limits: &Limits,
) -> Option<Statement> {
    subjects.iter().find_map(|subject| {
        let new = subject.statements.iter().find(|statement| is_provenance(statement))?;
        let verified = subject.attached.verify(subject.target.descriptor.digest, key, limits);
        let found = verified.statements(predicate::SLSA_PROVENANCE).into_iter().find(|statement| {
            let earlier = BuildRecord::from_statement(statement, &record.build_type);
            statement.subject == new.subject && earlier.is_ok_and(|earlier| earlier.is_same_build(record))
        });
        found.cloned()
    })
}

fn with_provenance(statements: &[Statement], provenance: Option<&Statement>) -> Vec<Statement> {
    let mut statements = statements.to_vec();
    for statement in statements.iter_mut().filter(|statement| is_provenance(statement)) {
        statement.clone_from(provenance.unwrap_or(&statement.clone()));
    }
    statements
}

fn is_provenance(statement: &Statement) -> bool {
    statement.predicate_type == predicate::SLSA_PROVENANCE
}

/// Writes publications: all their blobs first, several at once, then the manifests of one target after the other.
fn put(
    publications: &[(&Target, Publication)],
    destination: &dyn Destination,
    log: &dyn Log,
) -> Result<(), ComposeError> {
    let mut blobs: Vec<&Blob> = Vec::new();
    for blob in publications.iter().flat_map(|(_, publication)| &publication.blobs) {
        if blobs.iter().all(|known| known.descriptor.digest != blob.descriptor.digest) {
            blobs.push(blob);
        }
    }
    let uploads: Vec<Upload<'_>> = blobs.into_iter().map(upload).collect();
    publish_blobs(&uploads, "publish attestations", destination, log)?;
    for (target, publication) in publications {
        for manifest in &publication.manifests {
            put_manifest(manifest, destination)?;
        }
        if let Some(fallback) = &publication.fallback
            && destination.referrers(&target.descriptor.digest)?.is_none()
        {
            put_manifest(fallback, destination)?;
        }
    }
    Ok(())
}

fn upload(blob: &Blob) -> Upload<'_> {
    let open: BoxedOpen<'_> = Box::new(|| Ok(Box::new(Cursor::new(blob.bytes.clone()))));
    (&blob.descriptor, open)
}

fn put_manifest(put: &Put, destination: &dyn Destination) -> Result<(), External> {
    let bytes = put.bytes.clone().into();
    match &put.tag {
        Some(tag) => destination.put_attachment(&put.descriptor, &bytes, tag),
        None => destination.put_manifest(&put.descriptor, &bytes),
    }
}

/// Joins a failure of signing with what to do about it.
fn failed(error: impl Into<temper_attest::carrier::AttachError>) -> ComposeError {
    let error = error.into();
    let hint = error.hint();
    External::new("the image cannot be signed", error).with_hint(hint).into()
}
