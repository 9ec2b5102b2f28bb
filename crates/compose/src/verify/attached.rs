//! What is attached to a manifest, checked with the keys of the policy: signatures, and statements about it.

use std::collections::{BTreeMap, BTreeSet};

use temper_attest::carrier::{
    Attached, Carrier, Claim, Proof, Refusal, Verification, attestation_tag, signature_tag,
};
use temper_attest::{FormatError, Limits, PublicKey, Statement, predicate};
use temper_oci::Digest;

use crate::attachments::Attachments;
use crate::verify::report::{Report, counted, sentence};
use crate::verify::{Policy, Target};

/// What was found at one manifest.
#[derive(Default)]
pub(super) struct Found {
    /// The keys that signed it, by their ids.
    pub(super) signed_by: BTreeSet<Digest>,
    /// The statements about it that a key of the policy signed, each once.
    pub(super) statements: Vec<Statement>,
}

/// Reads and checks what is attached to a manifest.
pub(super) fn check(place: &dyn Attachments, target: &Target, policy: &Policy, report: &mut Report) -> Found {
    let attached = match place.attached(&target.descriptor) {
        Ok(attached) => attached,
        Err(error) => {
            report.fail(format!("{}, signatures and attestations", target.at), sentence(&error));
            return Found::default();
        }
    };
    let digest = target.descriptor.digest;
    let limits = Limits::default();
    let verify = |key: &PublicKey| (key.id(), attached.verify(digest, key, &limits));
    let verifications: Vec<(Digest, Verification)> = policy.keys.iter().map(verify).collect();
    let mut found = Found::default();
    for (key, verification) in &verifications {
        let carriers = [Carrier::LegacyTag, Carrier::Referrer];
        if carriers.into_iter().any(|carrier| verification.is_signed(carrier)) {
            found.signed_by.insert(*key);
        }
        for proof in &verification.proofs {
            if let Claim::Statement(statement) = &proof.claim
                && !found.statements.contains(statement)
            {
                found.statements.push(statement.clone());
            }
        }
        compare_carriers(target, verification, report);
    }
    if found.signed_by.is_empty() {
        report.fail(format!("{}, signature", target.at), unsigned(&attached, &verifications));
    }
    refusals(target, &verifications, report);
    required(target, policy, &found.statements, report);
    found
}

fn unsigned(attached: &Attached, verifications: &[(Digest, Verification)]) -> String {
    if attached.signatures.is_none() && attached.attestations.is_none() && attached.referrers.is_empty() {
        return "nothing is signed: it has neither signature nor attestation".to_owned();
    }
    let keys: Vec<String> = verifications.iter().map(|(key, _)| format!("`{key}`")).collect();
    format!("it has no signature by the key {}", keys.join(" or "))
}

/// Both carriers must say the same: cosign 3 passes over the legacy tags as soon as there is one bundle.
fn compare_carriers(target: &Target, verification: &Verification, report: &mut Report) {
    let legacy = claims(&verification.proofs, Carrier::LegacyTag);
    let referrers = claims(&verification.proofs, Carrier::Referrer);
    let digest = target.descriptor.digest;
    if legacy.is_empty() && referrers.is_empty() {
        return;
    }
    if legacy.is_empty() || referrers.is_empty() {
        let (missing, reader) = if legacy.is_empty() { ("legacy tags", "2") } else { ("referrers", "3") };
        report.skip(
            format!("{}, {missing}", target.at),
            format!("there are none by this key; cosign {reader} may not find its signature"),
        );
        return;
    }
    for (key, name) in &referrers {
        if !legacy.contains_key(key) {
            let tag = if key.is_none() { signature_tag(digest) } else { attestation_tag(digest) };
            let message = format!("has no valid {name}, which the referrers have");
            report.fail(format!("{}, tag `{tag}`", target.at), message);
        }
    }
    for (key, name) in &legacy {
        if !referrers.contains_key(key) {
            let message = format!("have no valid {name}, which the legacy tags have");
            report.fail(format!("{}, referrers", target.at), message);
        }
    }
}

/// What a carrier proves, by the digest of each statement, with its name in words; a signature has no statement.
fn claims(proofs: &[Proof], carrier: Carrier) -> BTreeMap<Option<Digest>, String> {
    let own = proofs.iter().filter(|proof| proof.carrier == carrier);
    own.map(|proof| match &proof.claim {
        Claim::Signature => (None, "signature".to_owned()),
        Claim::Statement(statement) => {
            (Some(Digest::of(statement.to_bytes())), name(&statement.predicate_type).to_owned())
        }
    })
    .collect()
}

/// Tells what no key vouches for: a statement about something else is wrong here, the rest is others' business.
fn refusals(target: &Target, verifications: &[(Digest, Verification)], report: &mut Report) {
    // One payload may stand under several signatures, and one document twice: whatever a key proved is not refused.
    let proofs = verifications.iter().flat_map(|(_, verification)| &verification.proofs);
    let proved: BTreeSet<(Carrier, Digest)> = proofs.map(|proof| (proof.carrier, proof.blob)).collect();
    let mut refused: BTreeMap<(Carrier, Digest), BTreeMap<Digest, &Refusal>> = BTreeMap::new();
    for (key, verification) in verifications {
        for refusal in &verification.refusals {
            refused.entry((refusal.carrier, refusal.blob)).or_default().insert(*key, refusal);
        }
    }
    refused.retain(|document, _| !proved.contains(document));
    let mut others = 0;
    for ((carrier, blob), refusals) in &refused {
        let place = match carrier {
            Carrier::LegacyTag => "legacy tags",
            Carrier::Referrer => "referrers",
        };
        let at = format!("{}, {place}, blob `{blob}`", target.at);
        let about = refusals.values().find(|refusal| matches!(refusal.error, FormatError::Subject { .. }));
        let unread = refusals
            .values()
            .find(|refusal| !matches!(refusal.error, FormatError::Signature(_) | FormatError::Unsigned));
        match (about, unread) {
            (Some(about), _) => report.fail(at, sentence(&about.error)),
            (None, Some(unread)) => report.skip(at, sentence(&unread.error)),
            (None, None) => others += 1,
        }
    }
    if others > 0 {
        let what = counted(others, "attached document", "attached documents");
        report.skip(format!("{}, {what}", target.at), "no given key made their signatures");
    }
}

fn required(target: &Target, policy: &Policy, statements: &[Statement], report: &mut Report) {
    for kind in policy.required.iter().filter(|required| target.carries(required)) {
        if !statements.iter().any(|statement| statement.predicate_type == *kind) {
            let message = "it has none that a given key signed";
            report.fail(format!("{}, {}", target.at, name(kind)), message);
        }
    }
}

/// What people call a statement of a type.
pub(super) fn name(predicate_type: &str) -> &str {
    match predicate_type {
        predicate::SLSA_PROVENANCE => "provenance",
        predicate::SPDX => "SPDX SBOM",
        predicate::CYCLONEDX => "CycloneDX SBOM",
        predicate::OPENVEX => "OpenVEX statement",
        predicate::COMPOSITION => "composition record",
        other => other,
    }
}
