//! What keys prove of an image: that all of its manifests are signed, and that nothing else is attached.

use std::collections::BTreeSet;

use anyhow::{Error, anyhow};
use temper_attest::carrier::{Carrier, Claim, Verification};
use temper_attest::{Limits, Statement};
use temper_oci::Digest;

use super::Origin;
use crate::failure::{Failure, Problem};
use crate::keys::KnownKey;

/// What was proved.
pub(crate) struct Proved {
    /// The digest of the index.
    pub(crate) digest: Digest,
    /// Positions of the keys that have signed something of it.
    pub(crate) signers: BTreeSet<usize>,
    /// The statements that are attached to the index, verified.
    pub(crate) statements: Vec<Statement>,
}

/// Checks that each manifest of an image is signed by one of the keys, and each attestation too.
pub(crate) fn prove(origin: &Origin, keys: &[KnownKey]) -> Result<Proved, Error> {
    let documents = origin.documents()?;
    let (mut signers, mut problems, mut statements) = (BTreeSet::new(), Vec::new(), Vec::new());
    for document in &documents {
        let target = document.descriptor();
        let attached = origin.attached(&target)?;
        let verify = |known: &KnownKey| attached.verify(target.digest, &known.key, &Limits::default());
        let verifications: Vec<_> = keys.iter().map(verify).collect();
        let mut is_signed = false;
        for (position, verification) in verifications.iter().enumerate() {
            if verification.is_signed(Carrier::Referrer) || verification.is_signed(Carrier::LegacyTag) {
                is_signed = true;
                signers.insert(position);
            }
        }
        if !is_signed {
            problems.push(format!("manifest `{}` is signed by none of the keys", target.digest));
        }
        let proved: BTreeSet<Digest> =
            verifications.iter().flat_map(|one| &one.proofs).map(|proof| proof.blob).collect();
        let refused: BTreeSet<Digest> =
            verifications.iter().flat_map(|one| &one.refusals).map(|refusal| refusal.blob).collect();
        for blob in refused.difference(&proved) {
            problems.push(format!("`{blob}`, attached to `{}`, is of none of the keys", target.digest));
        }
        statements = proved_statements(&verifications);
    }
    if !problems.is_empty() {
        let error = anyhow!("`{}` is not proved by the keys", origin.source().reference());
        let problems = problems.into_iter().map(Problem::new);
        let hint = "name the public keys that have signed it with `--key`";
        return Err(Failure::failed(error).problems(problems).hint(hint).into());
    }
    let root = documents.last().ok_or_else(|| anyhow!("`{}` is empty", origin.source().reference()))?;
    Ok(Proved { digest: root.digest(), signers, statements })
}

/// The statements that are proved, each once.
fn proved_statements(verifications: &[Verification]) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for proof in verifications.iter().flat_map(|verification| &verification.proofs) {
        if let Claim::Statement(statement) = &proof.claim
            && !statements.contains(statement)
        {
            statements.push(statement.clone());
        }
    }
    statements
}
