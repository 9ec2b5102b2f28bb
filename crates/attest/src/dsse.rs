//! Signed envelopes.
//!
//! Follows [DSSE 1.0, envelope](https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md) and
//! [protocol](https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use crate::error::{FormatError, check_limit, parse_json};
use crate::statement::{self, Statement};
use crate::{Limits, PublicKey, SignError, Signer};

/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
const DOCUMENT: &str = "envelope";

/// A payload with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The bytes that are signed, together with their type.
    pub payload: Vec<u8>,
    /// Signatures; each stands for itself.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// A hint which key made it. Never trusted, and left out by us, since cosign 3 refuses bundles with one.
    pub key_id: Option<String>,
    /// The signature in DER.
    pub bytes: Vec<u8>,
}

impl Envelope {
    /// Signs a statement.
    pub fn sign(statement: &Statement, signer: &dyn Signer) -> Result<Self, SignError> {
        let payload = statement.to_bytes();
        let bytes = signer.sign(&pae(statement::PAYLOAD_TYPE, &payload))?;
        let signatures = vec![Signature { key_id: None, bytes }];
        Ok(Self { payload_type: statement::PAYLOAD_TYPE.to_owned(), payload, signatures })
    }

    /// Parses an envelope; nothing is verified.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let wire: Wire = parse_json(DOCUMENT, bytes, limits.envelope_bytes_max)?;
        check_limit(DOCUMENT, "signatures", wire.signatures.len(), limits.signatures_max)?;
        Self::try_from(wire)
    }

    /// Checks that one of the signatures is made by the key, and returns the payload.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], FormatError> {
        let message = pae(&self.payload_type, &self.payload);
        let mut result = Err(FormatError::Unsigned);
        for signature in &self.signatures {
            match key.verify(&message, &signature.bytes) {
                Ok(()) => return Ok(&self.payload),
                Err(error) => result = Err(error.into()),
            }
        }
        result
    }

    /// Parses the statement inside; nothing is verified.
    pub fn statement(&self, limits: &Limits) -> Result<Statement, FormatError> {
        if self.payload_type != statement::PAYLOAD_TYPE {
            let found = self.payload_type.clone();
            return Err(FormatError::Type { document: "payload", found, expected: statement::PAYLOAD_TYPE });
        }
        Statement::parse(&self.payload, limits)
    }

    /// Checks the signature and returns the statement inside.
    pub fn verified_statement(&self, key: &PublicKey, limits: &Limits) -> Result<Statement, FormatError> {
        self.verify(key)?;
        self.statement(limits)
    }

    /// Returns the bytes to store: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an envelope has texts only")
    }
}

/// The bytes that a signature covers: the pre-authentication encoding of type and payload.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        let signature = |signature: Signature| WireSignature {
            keyid: signature.key_id,
            sig: STANDARD.encode(signature.bytes),
        };
        Self {
            payload_type: envelope.payload_type,
            payload: STANDARD.encode(envelope.payload),
            signatures: envelope.signatures.into_iter().map(signature).collect(),
        }
    }
}

impl TryFrom<Wire> for Envelope {
    type Error = FormatError;

    fn try_from(wire: Wire) -> Result<Self, FormatError> {
        let signature = |signature: WireSignature| {
            let key_id = signature.keyid.filter(|id| !id.is_empty());
            Ok(Signature { key_id, bytes: decode("signatures.sig", &signature.sig)? })
        };
        Ok(Self {
            payload_type: wire.payload_type,
            payload: decode("payload", &wire.payload)?,
            signatures: wire.signatures.into_iter().map(signature).collect::<Result<_, FormatError>>()?,
        })
    }
}

/// The specification lets producers use either alphabet.
fn decode(field: &'static str, digits: &str) -> Result<Vec<u8>, FormatError> {
    STANDARD
        .decode(digits)
        .or_else(|_| URL_SAFE.decode(digits))
        .map_err(|_| FormatError::Base64 { document: DOCUMENT, field })
}
