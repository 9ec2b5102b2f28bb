//! What keys prove of an image: that it is what its provenance says, and that nothing comes with it that is not signed.

use std::collections::BTreeSet;

use anyhow::{Error, anyhow};
use temper_attest::carrier::{Carrier, Claim, Verification};
use temper_attest::provenance::Input;
use temper_attest::{Limits, PublicKey, Statement, predicate};
use temper_compose::verify::{Policy, Report, Subject, Verifier};
use temper_compose::{External, ImageSource, Inputs};
use temper_oci::{Digest, Reference};

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
    /// What is attached and none of the keys has signed: layers of legacy tags, and referrers.
    pub(crate) strangers: Vec<Digest>,
}

/// What becomes of an image to which others have attached something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// Nobody who may push to a repository can keep its images from being carried on.
    LeftOut,
    /// Nothing comes in that is not signed.
    Refused,
}

/// Who must have signed an image, and for which name.
pub(crate) struct Expected<'a> {
    pub(crate) keys: &'a [KnownKey],
    /// The repository that it was built for, where that is not the one of its name.
    pub(crate) repository: Option<&'a str>,
    pub(crate) strangers: Strangers,
}

/// Verifies an image that goes by a name, and tells what comes with it that none of the keys has signed.
pub(crate) fn prove(origin: &Origin, name: &Reference, expected: &Expected<'_>) -> Result<Proved, Error> {
    let report = verify(origin, name, expected)?;
    let failed = report.failed.iter().map(|failed| format!("{}: {}", failed.at, failed.message));
    refuse(origin, failed.collect())?;
    let keys = keys(expected.keys);
    let mut proved = Proved {
        digest: report.digest,
        signers: BTreeSet::new(),
        statements: Vec::new(),
        strangers: Vec::new(),
    };
    let mut problems = Vec::new();
    for document in &origin.documents()? {
        let target = document.descriptor();
        let attached = origin.attached(&target)?;
        let verify = |key: &&PublicKey| attached.verify(target.digest, key, &Limits::default());
        let verifications: Vec<Verification> = keys.iter().map(verify).collect();
        let has_signed =
            |one: &Verification| one.is_signed(Carrier::Referrer) || one.is_signed(Carrier::LegacyTag);
        let positions = (0..verifications.len()).filter(|position| has_signed(&verifications[*position]));
        proved.signers.extend(positions);
        // Also those for no platform, which verification passes over.
        if !verifications.iter().any(has_signed) {
            problems.push(format!("manifest `{}` is signed by none of the keys", target.digest));
        }
        let strangers = attached.vouched_by(target.digest, &keys, &Limits::default()).left_out;
        if expected.strangers == Strangers::Refused {
            let refused =
                |one: &Digest| format!("`{one}`, attached to `{}`, is of none of the keys", target.digest);
            problems.extend(strangers.iter().map(refused));
        }
        proved.strangers.extend(strangers);
        proved.statements = proved_statements(&verifications);
    }
    refuse(origin, problems)?;
    Ok(proved)
}

/// The keys without their names.
pub(crate) fn keys(known: &[KnownKey]) -> Vec<&PublicKey> {
    known.iter().map(|known| &known.key).collect()
}

/// Verifies as `temper verify` does, without a look at inputs: where a bundle arrives there may be none.
///
/// Provenance is demanded, since nothing else binds an image to its name; other statements must hold where there are
/// any.
fn verify(origin: &Origin, name: &Reference, expected: &Expected<'_>) -> Result<Report, Error> {
    let policy = Policy {
        keys: expected.keys.iter().map(|known| known.key.clone()).collect(),
        required: vec![predicate::SLSA_PROVENANCE],
    };
    let tag = name.digest().is_none().then(|| name.identifier());
    let repository = Some(expected.repository.unwrap_or(name.repository()));
    let subject = Subject { image: origin.source(), repository, tag: tag.as_deref() };
    let verifier = Verifier { policy: &policy, inputs: &NoInputs, archive: None };
    Ok(verifier.verify(&subject)?)
}

struct NoInputs;

impl Inputs for NoInputs {
    fn image(&self, _: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        Ok(None)
    }
}

fn refuse(origin: &Origin, problems: Vec<String>) -> Result<(), Error> {
    if problems.is_empty() {
        return Ok(());
    }
    let error = anyhow!("`{}` is not proved by the keys", origin.source().reference());
    let problems = problems.into_iter().map(Problem::new);
    let hint = "name the public keys that have signed it with `--key`, and with `--repository` what it was built for \
                where it was copied from there";
    Err(Failure::failed(error).problems(problems).hint(hint).into())
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
