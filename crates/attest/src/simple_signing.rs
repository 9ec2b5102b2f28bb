//! The payload of a legacy signature: which manifest is signed, and under which name.
//!
//! Follows cosign's [signature specification, "Payload"](https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#payload).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use temper_oci::Digest;

use crate::Limits;
use crate::error::{FormatError, parse_json};

/// The media type of a payload.
pub const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const TYPE: &str = "cosign container image signature";
const DOCUMENT: &str = "simple signing payload";

/// What a legacy signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleSigning {
    /// The repository that the signer knew the manifest under.
    pub docker_reference: String,
    /// The manifest.
    pub digest: Digest,
}

impl SimpleSigning {
    /// Parses a payload; whatever else its signer put in does not count.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let wire: Wire = parse_json(DOCUMENT, bytes, limits.simple_signing_bytes_max)?;
        if wire.critical.kind != TYPE {
            return Err(FormatError::Type { document: DOCUMENT, found: wire.critical.kind, expected: TYPE });
        }
        Ok(Self {
            docker_reference: wire.critical.identity.docker_reference,
            digest: wire.critical.image.digest,
        })
    }

    /// Refuses a payload about another manifest.
    pub fn check_subject(&self, digest: Digest) -> Result<(), FormatError> {
        if self.digest == digest {
            return Ok(());
        }
        Err(FormatError::Subject {
            document: DOCUMENT,
            found: format!("`{}`", self.digest),
            expected: digest,
        })
    }

    /// Returns the bytes to sign, as cosign writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = Wire {
            critical: Critical {
                identity: Identity { docker_reference: self.docker_reference.clone() },
                image: Image { digest: self.digest },
                kind: TYPE.to_owned(),
            },
            optional: None,
        };
        serde_json::to_vec(&wire).expect("a payload has string keys only")
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    critical: Critical,
    #[serde(default)]
    optional: Option<Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}
