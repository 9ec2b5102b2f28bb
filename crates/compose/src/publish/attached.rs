//! Signatures and attestations of an image: all its manifests and the index, by both carriers.

use std::io::Cursor;

use temper_attest::carrier::{
    Attached, Blob, Publication, Put, Target, attach, attestation_tag, signature_tag,
};
use temper_attest::provenance::BuildRecord;
use temper_attest::{Limits, PublicKey, Statement, predicate};
use temper_oci::{Descriptor, Digest};

use crate::error::{ComposeError, External};
use crate::event::{Event, Log, Step};
use crate::publish::{
    Attestation, BoxedOpen, BuiltImage, Destination, Upload, list_referrers, publish_blobs,
};

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
    log.event(Event::new(Step::Publish, "sign"));
    let subjects = subjects(image, attestation, destination)?;
    let key = PublicKey::of(*signer).map_err(failed)?;
    let earlier = earlier_provenance(&subjects, &statements.record, &key, &Limits::default());
    let publisher = Publisher { attestation, earlier, destination, log };
    let publications = subjects.iter().map(|subject| publisher.publication(subject, &subject.attached));
    let publications: Vec<Publication> = publications.collect::<Result<_, _>>()?;
    publisher.put_blobs(&publications)?;
    subjects
        .iter()
        .zip(publications)
        .try_for_each(|(subject, publication)| publisher.put(subject, publication))
}

/// What all manifests of an image have in common when something is attached to them.
struct Publisher<'a> {
    attestation: &'a Attestation<'a>,
    /// A provenance of the same build that is there already.
    earlier: Option<Statement>,
    destination: &'a dyn Destination,
    log: &'a dyn Log,
}

impl Publisher<'_> {
    fn publication(&self, subject: &Subject<'_>, attached: &Attached) -> Result<Publication, ComposeError> {
        let Attestation { statements, signer, .. } = self.attestation;
        let said = with_provenance(subject.statements, self.earlier.as_ref());
        let limits = Limits::default();
        attach(&subject.target, &said, &statements.created, attached, *signer, &limits).map_err(failed)
    }

    /// Writes the blobs of publications, several at once.
    fn put_blobs(&self, publications: &[Publication]) -> Result<(), ComposeError> {
        let mut blobs: Vec<&Blob> = Vec::new();
        for blob in publications.iter().flat_map(|publication| &publication.blobs) {
            if blobs.iter().all(|known| known.descriptor.digest != blob.descriptor.digest) {
                blobs.push(blob);
            }
        }
        let uploads: Vec<Upload<'_>> = blobs.into_iter().map(upload).collect();
        publish_blobs(&uploads, "publish attestations", self.destination, self.log)
    }

    /// Writes the manifests of a publication, the tags that others write too last.
    fn put(&self, subject: &Subject<'_>, publication: Publication) -> Result<(), ComposeError> {
        self.put_manifests(publication.manifests.iter().filter(|put| put.tag.is_none()))?;
        let publication = self.put_newest(subject, publication)?;
        self.put_manifests(publication.manifests.iter().filter(|put| put.tag.is_some()))?;
        Ok(list_referrers(self.destination, subject.target.descriptor.digest, &publication)?)
    }

    /// Begins again where somebody else has attached something since it was read: a tag that is put takes the place of
    /// theirs. Between this look and the put they still can; whoever publishes next completes both carriers.
    fn put_newest(
        &self,
        subject: &Subject<'_>,
        publication: Publication,
    ) -> Result<Publication, ComposeError> {
        let target = &subject.target.descriptor;
        if publication.is_empty() || tags(&subject.attached) == self.tags(target.digest)? {
            return Ok(publication);
        }
        let attached = self.destination.attached(target)?;
        let publication = self.publication(subject, &attached)?;
        self.put_blobs(std::slice::from_ref(&publication))?;
        self.put_manifests(publication.manifests.iter().filter(|put| put.tag.is_none()))?;
        Ok(publication)
    }

    /// Reads what the legacy tags name now.
    fn tags(&self, target: Digest) -> Result<[Option<Digest>; 2], ComposeError> {
        let named = |tag: String| -> Result<Option<Digest>, External> {
            Ok(self.destination.tagged(&tag)?.map(|document| document.digest()))
        };
        Ok([named(signature_tag(target))?, named(attestation_tag(target))?])
    }

    fn put_manifests<'p>(&self, manifests: impl IntoIterator<Item = &'p Put>) -> Result<(), ComposeError> {
        for put in manifests {
            let bytes = put.bytes.clone().into();
            match &put.tag {
                Some(tag) => self.destination.put_attachment(&put.descriptor, &bytes, tag)?,
                None => self.destination.put_manifest(&put.descriptor, &bytes)?,
            }
        }
        Ok(())
    }
}

/// What the legacy tags named when they were read.
fn tags(attached: &Attached) -> [Option<Digest>; 2] {
    [&attached.signatures, &attached.attestations].map(|tag| Some(tag.as_ref()?.manifest().digest()))
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
    let said =
        |statement: &Statement| provenance.filter(|_| is_provenance(statement)).unwrap_or(statement).clone();
    statements.iter().map(said).collect()
}

fn is_provenance(statement: &Statement) -> bool {
    statement.predicate_type == predicate::SLSA_PROVENANCE
}

fn upload(blob: &Blob) -> Upload<'_> {
    let open: BoxedOpen<'_> = Box::new(|| Ok(Box::new(Cursor::new(blob.bytes.clone()))));
    (&blob.descriptor, open)
}

/// Joins a failure of signing with what to do about it.
fn failed(error: impl Into<temper_attest::carrier::AttachError>) -> ComposeError {
    let error = error.into();
    let hint = error.hint();
    External::new("the image cannot be signed", error).with_hint(hint).into()
}
