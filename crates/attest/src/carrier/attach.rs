//! From a target and what is to be said of it to exactly what has to be put into its registry.

use temper_oci::Descriptor;

use crate::carrier::verify::envelope;
use crate::carrier::{
    AttachError, Attached, Attachment, Publication, Target, attestation_tag, fallback, legacy, referrer,
    signature_tag,
};
use crate::dsse::Signature;
use crate::{Bundle, Envelope, Limits, PublicKey, Signer, SimpleSigning, Statement};

/// Signs a target and statements about it, and says what has to be put for both carriers to be complete.
///
/// What the key has said before is found by its payload and not signed again, so attaching twice adds nothing, with
/// keys whose signatures are random too. What other keys said stays. `created` is the time of the image, in RFC 3339.
pub fn attach(
    target: &Target,
    statements: &[Statement],
    created: &str,
    attached: &Attached,
    signer: &dyn Signer,
    limits: &Limits,
) -> Result<Publication, AttachError> {
    let digest = target.descriptor.digest;
    for statement in statements {
        statement.check_subject(digest)?;
    }
    let signed = Signed { key: PublicKey::of(signer)?, signer, attached, limits };
    let mut publication = Publication::default();

    let signature = Statement::signature(digest);
    let mut listed = Vec::new();
    let mut layers = Vec::new();
    for (statement, is_legacy) in
        std::iter::once((&signature, false)).chain(statements.iter().map(|statement| (statement, true)))
    {
        let envelope = signed.envelope(statement)?;
        let predicate_type = &statement.predicate_type;
        if !signed.has(attached.referrers.iter(), &envelope) {
            let bundle = Bundle::new(envelope.clone(), signer.key_id())?;
            listed.push(referrer::add(
                &mut publication,
                &target.descriptor,
                &bundle,
                predicate_type,
                created,
            ));
        }
        if is_legacy && !signed.has(attached.attestations.iter(), &envelope) {
            layers.push(legacy::attestation_layer(&mut publication, &envelope, predicate_type));
        }
    }
    let signature_layers = signed.signature_layers(target, &mut publication)?;
    legacy::append(&mut publication, signature_tag(digest), attached.signatures.as_ref(), signature_layers);
    legacy::append(&mut publication, attestation_tag(digest), attached.attestations.as_ref(), layers);
    publication.fallback = fallback::merge(digest, attached, listed);
    Ok(publication)
}

/// What a key has signed already.
struct Signed<'a> {
    key: PublicKey,
    signer: &'a dyn Signer,
    attached: &'a Attached,
    limits: &'a Limits,
}

impl Signed<'_> {
    /// The key's envelope of a statement: the one that is there, or a new one.
    fn envelope(&self, statement: &Statement) -> Result<Envelope, AttachError> {
        let payload = statement.to_bytes();
        let all = self.attached.referrers.iter().chain(&self.attached.attestations);
        let mut mine = all.flat_map(|attachment| self.envelopes(attachment));
        if let Some(envelope) = mine.find(|envelope| envelope.payload == payload) {
            return Ok(envelope);
        }
        let envelope = Envelope::sign(statement, self.signer)?;
        // A module that signs with another key than it says would publish what nobody can verify.
        envelope.verify(&self.key)?;
        Ok(envelope)
    }

    fn signature_layers(
        &self,
        target: &Target,
        publication: &mut Publication,
    ) -> Result<Vec<Descriptor>, AttachError> {
        let digest = target.descriptor.digest;
        if legacy::is_signed(self.attached.signatures.as_ref(), digest, &self.key, self.limits) {
            return Ok(Vec::new());
        }
        let payload = SimpleSigning { docker_reference: target.repository.clone(), digest }.to_bytes();
        let signature = self.signer.sign(&payload)?;
        Ok(vec![legacy::signature_layer(publication, payload, &signature)])
    }

    fn has<'b>(&self, mut attachments: impl Iterator<Item = &'b Attachment>, envelope: &Envelope) -> bool {
        attachments.any(|attachment| {
            self.envelopes(attachment)
                .any(|there| there.payload_type == envelope.payload_type && there.payload == envelope.payload)
        })
    }

    /// The envelopes of an attachment that the key signed, each with that one signature; the rest is not ours.
    fn envelopes(&self, attachment: &Attachment) -> impl Iterator<Item = Envelope> {
        attachment.layers().filter_map(|(layer, content)| {
            let envelope = envelope(layer, content, self.limits)?.ok()?;
            let mine = |signature: &Signature| {
                let alone = Envelope {
                    signatures: vec![Signature { key_id: None, bytes: signature.bytes.clone() }],
                    ..envelope.clone()
                };
                alone.verify(&self.key).is_ok().then_some(alone)
            };
            envelope.signatures.iter().find_map(mine)
        })
    }
}
