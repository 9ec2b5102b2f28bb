//! Reading carriers back: what a key has proved about a target.

use temper_oci::{Descriptor, Digest};

use crate::carrier::{Attached, Attachment, Carrier, legacy};
use crate::{Bundle, Envelope, FormatError, Limits, PublicKey, SimpleSigning, Statement, predicate};
use crate::{bundle, dsse, simple_signing};

/// What a key said about a target, and what was there that it did not say.
#[derive(Debug, Default)]
pub struct Verification {
    /// What verifies, signatures first, in the order of the carriers.
    pub proofs: Vec<Proof>,
    /// What does not: other keys, other subjects, broken documents. Alone it is no failure.
    pub refusals: Vec<Refusal>,
}

/// One claim that verifies.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Where it was.
    pub carrier: Carrier,
    /// The blob that holds it.
    pub blob: Digest,
    /// What is proved.
    pub claim: Claim,
}

/// What a signature says.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The target is signed.
    Signature,
    /// A statement about the target.
    Statement(Statement),
}

/// Something that does not verify.
#[derive(Debug)]
pub struct Refusal {
    /// Where it was.
    pub carrier: Carrier,
    /// The blob that holds it.
    pub blob: Digest,
    /// Why.
    pub error: FormatError,
}

impl Attached {
    /// Verifies everything with one key.
    pub fn verify(&self, target: Digest, key: &PublicKey, limits: &Limits) -> Verification {
        let mut verification = Verification::default();
        let legacy = self.signatures.iter().chain(&self.attestations);
        let all = legacy
            .map(|attachment| (Carrier::LegacyTag, attachment))
            .chain(self.referrers.iter().map(|attachment| (Carrier::Referrer, attachment)));
        for (carrier, attachment) in all {
            for (layer, content) in attachment.layers() {
                let blob = layer.digest;
                match claim(layer, content, target, key, limits) {
                    Some(Ok(claim)) => verification.proofs.push(Proof { carrier, blob, claim }),
                    Some(Err(error)) => verification.refusals.push(Refusal { carrier, blob, error }),
                    None => {}
                }
            }
        }
        verification.proofs.sort_by_key(|proof| !matches!(proof.claim, Claim::Signature));
        verification
    }
}

impl Verification {
    /// Says whether a carrier has a signature of the target.
    pub fn is_signed(&self, carrier: Carrier) -> bool {
        self.proofs.iter().any(|proof| proof.carrier == carrier && proof.claim == Claim::Signature)
    }

    /// The proved statements of a type, each once, whichever carriers have it.
    pub fn statements(&self, predicate_type: &str) -> Vec<&Statement> {
        let mut found: Vec<&Statement> = Vec::new();
        for proof in &self.proofs {
            if let Claim::Statement(statement) = &proof.claim
                && statement.predicate_type == predicate_type
                && !found.contains(&statement)
            {
                found.push(statement);
            }
        }
        found
    }
}

/// Reads a layer that holds an envelope; other layers give nothing.
pub(super) fn envelope(
    layer: &Descriptor,
    content: &[u8],
    limits: &Limits,
) -> Option<Result<Envelope, FormatError>> {
    match layer.media_type.as_str() {
        dsse::MEDIA_TYPE => Some(Envelope::parse(content, limits)),
        bundle::MEDIA_TYPE => Some(Bundle::parse(content, limits).map(|bundle| bundle.envelope().clone())),
        _ => None,
    }
}

/// What a layer claims about a target, where it is one that claims something.
pub(super) fn claim(
    layer: &Descriptor,
    content: &[u8],
    target: Digest,
    key: &PublicKey,
    limits: &Limits,
) -> Option<Result<Claim, FormatError>> {
    if layer.media_type == simple_signing::MEDIA_TYPE {
        return Some(signature(layer, content, target, key, limits));
    }
    let envelope = envelope(layer, content, limits)?;
    Some(envelope.and_then(|envelope| {
        let statement = envelope.verified_statement(key, limits)?;
        statement.check_subject(target)?;
        let is_signature = statement.predicate_type == predicate::COSIGN_SIGN;
        Ok(if is_signature { Claim::Signature } else { Claim::Statement(statement) })
    }))
}

fn signature(
    layer: &Descriptor,
    content: &[u8],
    target: Digest,
    key: &PublicKey,
    limits: &Limits,
) -> Result<Claim, FormatError> {
    key.verify(content, &legacy::signature(layer)?)?;
    SimpleSigning::parse(content, limits)?.check_subject(target)?;
    Ok(Claim::Signature)
}

impl Attachment {
    /// The digests of the layers that hold signatures, envelopes or bundles: the blobs to fetch before verifying.
    pub fn wanted(manifest: &temper_oci::Manifest) -> Vec<Digest> {
        let kinds = [dsse::MEDIA_TYPE, bundle::MEDIA_TYPE, simple_signing::MEDIA_TYPE];
        let is_wanted = |layer: &&Descriptor| kinds.contains(&layer.media_type.as_str());
        manifest.layers.iter().filter(is_wanted).map(|layer| layer.digest).collect()
    }
}
