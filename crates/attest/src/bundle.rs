//! Sigstore bundles: an envelope with a hint which key made it, as cosign 3 attaches it.
//!
//! Follows the [Sigstore bundle format](https://docs.sigstore.dev/about/bundle/), version 0.3, with a public key as
//! the verification material. Certificates, transparency logs and time stamps are kept by nobody here: whatever a
//! foreign bundle has of them is not read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temper_oci::Digest;

use crate::error::{FormatError, check_limit, parse_json};
use crate::{Envelope, Limits, PublicKey, Statement};

/// The media type of a bundle.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The same in its older spelling.
const OLD_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
const DOCUMENT: &str = "bundle";

/// An envelope with exactly one signature that names no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    hint: Option<String>,
    envelope: Envelope,
}

impl Bundle {
    /// Packs an envelope that a key signed.
    pub fn new(envelope: Envelope, key_id: Digest) -> Result<Self, FormatError> {
        let hint = match key_id {
            Digest::Sha256(bytes) => STANDARD.encode(bytes),
            Digest::Sha512(bytes) => STANDARD.encode(bytes),
        };
        Self::of(envelope, Some(hint))
    }

    /// Parses a bundle; nothing is verified.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let wire: Wire = parse_json(DOCUMENT, bytes, limits.envelope_bytes_max)?;
        if wire.media_type != MEDIA_TYPE && wire.media_type != OLD_MEDIA_TYPE {
            return Err(FormatError::Type {
                document: DOCUMENT,
                found: wire.media_type,
                expected: MEDIA_TYPE,
            });
        }
        let hint = wire.verification_material.public_key.and_then(|key| key.hint);
        check_limit(DOCUMENT, "signatures", wire.dsse_envelope.signatures.len(), limits.signatures_max)?;
        Self::of(wire.dsse_envelope, hint)
    }

    /// The key that the bundle names: SHA-256 of its `SubjectPublicKeyInfo` in Base64. A hint, never trusted.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The envelope inside.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Checks the signature and returns the statement inside.
    pub fn verified_statement(&self, key: &PublicKey, limits: &Limits) -> Result<Statement, FormatError> {
        self.envelope.verified_statement(key, limits)
    }

    /// Returns the bytes to store: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = Wire {
            media_type: MEDIA_TYPE.to_owned(),
            verification_material: VerificationMaterial {
                public_key: Some(PublicKeyHint { hint: self.hint.clone() }),
                // Strict readers want the list even where no log was written to.
                tlog_entries: Vec::new(),
            },
            dsse_envelope: self.envelope.clone(),
        };
        serde_json::to_vec(&wire).expect("a bundle has string keys only")
    }

    fn of(envelope: Envelope, hint: Option<String>) -> Result<Self, FormatError> {
        let [signature] = envelope.signatures.as_slice() else {
            return Err(FormatError::Signatures(envelope.signatures.len()));
        };
        match &signature.key_id {
            Some(id) => Err(FormatError::KeyId(id.clone())),
            None => Ok(Self { hint, envelope }),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: String,
    verification_material: VerificationMaterial,
    dsse_envelope: Envelope,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMaterial {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyHint>,
    #[serde(default)]
    tlog_entries: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct PublicKeyHint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}
