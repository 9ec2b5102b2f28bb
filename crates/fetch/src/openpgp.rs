//! OpenPGP verification of release files: the one place where a signature turns bytes into trusted text.
//!
//! Follows [RFC 9580](https://www.rfc-editor.org/rfc/rfc9580) by way of sequoia's standard policy, which refuses
//! weak digests, revoked keys and keys that may not sign. On top of it a key must be alive now, not only when it
//! says that it signed: an old key that leaked could name any date. One good signature of a key of the keyring
//! suffices, as in apt; archives sign with the old and the new key for a while.

mod keyring;

use std::collections::BTreeSet;
use std::io::Read;
use std::time::SystemTime;

use sequoia_openpgp::KeyHandle;
use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationHelper,
    VerifierBuilder,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::RevocationStatus;

pub use self::keyring::{DEBIAN_ARCHIVE, Keyring, KeyringError};

/// Largest signed text that is read; Debian's are below 300 kB.
pub const SIGNED_BYTES_MAX: u64 = 32 << 20;

/// A text whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signed text, with bare newlines; nothing from outside the signature.
    pub text: String,
    /// Fingerprints of the certificates with a good signature, upper-case hexadecimal, sorted.
    pub signers: Vec<String>,
}

/// Why a text is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No signature could be read, or none is good.
    #[error("no signature of keyring `{keyring}` is good: {}", .reasons.join("; "))]
    Signature {
        /// Name of the keyring.
        keyring: String,
        /// One reason for each signature that was found.
        reasons: Vec<String>,
    },
    /// The bytes are no signed message, or the signature is none.
    #[error("file has no OpenPGP signature")]
    Message(#[source] SequoiaError),
    /// The signed text is too large.
    #[error("signed text is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are read.
        limit: u64,
    },
    /// The signed bytes are no text.
    #[error("signed text is not UTF-8")]
    Text,
}

impl VerifyError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signature { keyring, .. } => Some(format!(
                "if the archive has changed its key, configure a keyring with the new one in place of `{keyring}`"
            )),
            Self::Message(_) => {
                Some("check that the address leads to the archive, not to a login page".to_owned())
            }
            Self::TooLarge { .. } | Self::Text => None,
        }
    }
}

/// An error of the OpenPGP library, kept for its text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SequoiaError(String);

/// Verifies a text signed in the clear, as `InRelease` is, at a time.
pub fn verify_inrelease(bytes: &[u8], keyring: &Keyring, time: SystemTime) -> Result<Verified, VerifyError> {
    check_size(bytes)?;
    let policy = StandardPolicy::at(time);
    let mut findings = Findings::default();
    let text =
        read_signed(bytes, &policy, Helper { keyring, policy: &policy, time, findings: &mut findings });
    findings.conclude(keyring, text)
}

/// Verifies a text whose signature is apart from it, as `Release` with `Release.gpg` is, at a time.
pub fn verify_detached(
    text: &[u8],
    signature: &[u8],
    keyring: &Keyring,
    time: SystemTime,
) -> Result<Verified, VerifyError> {
    check_size(text)?;
    check_size(signature)?;
    let policy = StandardPolicy::at(time);
    let mut findings = Findings::default();
    let helper = Helper { keyring, policy: &policy, time, findings: &mut findings };
    let verified = DetachedVerifierBuilder::from_bytes(signature)
        .and_then(|builder| builder.with_policy(&policy, Some(time), helper))
        .and_then(|mut verifier| verifier.verify_bytes(text));
    findings.conclude(keyring, verified.map(|()| text.to_vec()))
}

fn check_size(bytes: &[u8]) -> Result<(), VerifyError> {
    if bytes.len() as u64 > SIGNED_BYTES_MAX {
        return Err(VerifyError::TooLarge { limit: SIGNED_BYTES_MAX });
    }
    Ok(())
}

/// Reads what the signature covers; an error may come after some of it was read.
fn read_signed(
    bytes: &[u8],
    policy: &StandardPolicy<'_>,
    helper: Helper<'_>,
) -> sequoia_openpgp::Result<Vec<u8>> {
    let time = helper.time;
    let verifier = VerifierBuilder::from_bytes(bytes)?.with_policy(policy, Some(time), helper)?;
    let mut text = Vec::new();
    // A message may be compressed, so the size of the file does not bound that of its text.
    verifier.take(SIGNED_BYTES_MAX + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// What the signatures of a message turned out to be.
#[derive(Default)]
struct Findings {
    signers: BTreeSet<String>,
    reasons: Vec<String>,
}

impl Findings {
    fn conclude(
        self,
        keyring: &Keyring,
        text: sequoia_openpgp::Result<Vec<u8>>,
    ) -> Result<Verified, VerifyError> {
        if self.signers.is_empty() && !self.reasons.is_empty() {
            return Err(VerifyError::Signature { keyring: keyring.name().to_owned(), reasons: self.reasons });
        }
        let text = text.map_err(|error| VerifyError::Message(SequoiaError(error.to_string())))?;
        check_size(&text)?;
        let text = String::from_utf8(text).map_err(|_| VerifyError::Text)?;
        // Without a finding there was no signature at all; the library refuses that, and so does this line.
        if self.signers.is_empty() {
            return Err(VerifyError::Message(SequoiaError("nothing is signed".to_owned())));
        }
        Ok(Verified { text, signers: self.signers.into_iter().collect() })
    }
}

/// Answers the library's questions: which certificates there are, and whether the signatures suffice.
struct Helper<'a> {
    keyring: &'a Keyring,
    policy: &'a StandardPolicy<'a>,
    time: SystemTime,
    findings: &'a mut Findings,
}

impl Helper<'_> {
    /// Tells why a cryptographically good signature does not count now, if so.
    fn objection(&self, good: &GoodChecksum<'_>) -> Option<String> {
        let fingerprint = good.ka.cert().fingerprint();
        let now = match good.ka.with_policy(self.policy, self.time) {
            Ok(now) => now,
            Err(error) => return Some(format!("key {fingerprint} is not valid: {error}")),
        };
        if let Err(error) = now.alive().and_then(|()| now.valid_cert().alive()) {
            return Some(format!("key {fingerprint}: {error}"));
        }
        let is_revoked = [now.revocation_status(), now.valid_cert().revocation_status()]
            .iter()
            .any(|status| matches!(status, RevocationStatus::Revoked(_)));
        is_revoked.then(|| format!("key {fingerprint} is revoked"))
    }
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.keyring.certs().to_vec())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        let results = structure.into_iter().filter_map(|layer| match layer {
            MessageLayer::SignatureGroup { results } => Some(results),
            _ => None,
        });
        for result in results.flatten() {
            match result {
                Ok(good) => match self.objection(&good) {
                    Some(reason) => self.findings.reasons.push(reason),
                    None => {
                        self.findings.signers.insert(good.ka.cert().fingerprint().to_hex());
                    }
                },
                Err(error) => self.findings.reasons.push(error.to_string()),
            }
        }
        if self.findings.signers.is_empty() {
            return Err(std::io::Error::other("no good signature").into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
