//! From a target and what is to be said of it to exactly what has to be put into its registry.

use temper_oci::{Descriptor, Digest};

use crate::carrier::verify::envelope;
use crate::carrier::{
    AttachError, Attached, Carrier, Publication, Target, attestation_tag, fallback, legacy, referrer,
    signature_tag,
};
use crate::dsse::Signature;
use crate::error::check_limit;
use crate::{Bundle, Envelope, Limits, PublicKey, Signer, SimpleSigning, Statement, predicate};

/// Signs a target and statements about it, and says what has to be put for both carriers to be complete.
///
/// What the key has said before is found by its payload and not signed again, so attaching twice adds nothing, with
/// keys whose signatures are random too. Whatever else the key has said of the target, by whichever tool, is copied to
/// the carrier that lacks it: who finds one carrier must not learn less than who finds the other. What other keys said
/// stays. `created` is the time of the image, in RFC 3339.
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
    let signed = Signed::read(attached, signer, limits)?;
    let mut publication = Publication::default();

    let mut listed = Vec::new();
    let mut layers = Vec::new();
    for Said { envelope, predicate_type } in signed.all(digest, statements)? {
        if !signed.has(Carrier::Referrer, &envelope) {
            let bundle = Bundle::new(envelope.clone(), signer.key_id())?;
            let target = &target.descriptor;
            listed.push(referrer::add(&mut publication, target, &bundle, &predicate_type, created));
        }
        // In legacy tags a signature has a form of its own.
        let is_legacy = predicate_type != predicate::COSIGN_SIGN;
        if is_legacy && !signed.has(Carrier::LegacyTag, &envelope) {
            layers.push(legacy::attestation_layer(&mut publication, &envelope, &predicate_type));
        }
    }
    let signature_layers = signed.signature_layers(target, &mut publication)?;
    legacy::append(&mut publication, signature_tag(digest), attached.signatures.as_ref(), signature_layers);
    legacy::append(&mut publication, attestation_tag(digest), attached.attestations.as_ref(), layers);
    publication.fallback = fallback::merge(digest, attached, listed);
    Ok(publication)
}

/// Something that a key says.
struct Said {
    /// With the key's signature alone.
    envelope: Envelope,
    predicate_type: String,
}

/// What a key has signed already.
struct Signed<'a> {
    key: PublicKey,
    signer: &'a dyn Signer,
    attached: &'a Attached,
    limits: &'a Limits,
    /// The envelopes that are attached, by whichever keys; reading them takes longer than signing a new one.
    envelopes: Vec<(Carrier, Envelope)>,
}

impl<'a> Signed<'a> {
    fn read(attached: &'a Attached, signer: &'a dyn Signer, limits: &'a Limits) -> Result<Self, AttachError> {
        let legacy = attached.attestations.iter().map(|attachment| (Carrier::LegacyTag, attachment));
        let referrers = attached.referrers.iter().map(|attachment| (Carrier::Referrer, attachment));
        let layers = legacy
            .chain(referrers)
            .flat_map(|(carrier, attachment)| attachment.layers().map(move |layer| (carrier, layer)));
        let read = |(carrier, (layer, content)): (Carrier, (&Descriptor, &[u8]))| {
            Some((carrier, envelope(layer, content, limits)?.ok()?))
        };
        let envelopes = layers.filter_map(read).collect();
        Ok(Self { key: PublicKey::of(signer)?, signer, attached, limits, envelopes })
    }

    /// Everything that the key says of a target: that it is signed, the statements, and what it said before.
    fn all(&self, target: Digest, statements: &[Statement]) -> Result<Vec<Said>, AttachError> {
        let signature = Statement::signature(target);
        let mut all: Vec<Said> = Vec::new();
        for statement in std::iter::once(&signature).chain(statements) {
            let envelope = self.envelope(statement)?;
            all.push(Said { envelope, predicate_type: statement.predicate_type.clone() });
        }
        for (_, envelope) in &self.envelopes {
            if all.iter().any(|said| said.envelope.payload == envelope.payload) {
                continue;
            }
            let Some(envelope) = self.mine(envelope) else { continue };
            // Nobody who verifies counts what is about something else.
            let statement =
                envelope.statement(self.limits).ok().filter(|statement| statement.is_about(target));
            if let Some(Statement { predicate_type, .. }) = statement {
                all.push(Said { envelope, predicate_type });
            }
        }
        Ok(all)
    }

    /// The key's envelope of a statement: the one that is there, or a new one.
    fn envelope(&self, statement: &Statement) -> Result<Envelope, AttachError> {
        let payload = statement.to_bytes();
        // Whoever reads it has the same bound.
        check_limit("statement", "bytes", payload.len(), self.limits.statement_bytes_max)?;
        let mut same = self.envelopes.iter().filter(|(_, envelope)| envelope.payload == payload);
        if let Some(envelope) = same.find_map(|(_, envelope)| self.mine(envelope)) {
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

    /// Says whether a carrier has what an envelope of the key says.
    fn has(&self, carrier: Carrier, wanted: &Envelope) -> bool {
        self.envelopes.iter().any(|(place, there)| {
            let is_same = there.payload_type == wanted.payload_type && there.payload == wanted.payload;
            *place == carrier && is_same && self.mine(there).is_some()
        })
    }

    /// An envelope with the key's signature alone, if it has one; the rest is not ours.
    fn mine(&self, envelope: &Envelope) -> Option<Envelope> {
        envelope.signatures.iter().find_map(|signature| {
            let alone = Envelope {
                signatures: vec![Signature { key_id: None, bytes: signature.bytes.clone() }],
                ..envelope.clone()
            };
            alone.verify(&self.key).is_ok().then_some(alone)
        })
    }
}
