//! Statements: a predicate about subjects that are named by their digests.
//!
//! Follows the [in-toto attestation framework, "Statement"](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md),
//! version 1. Version 0.1, which cosign 2 writes, is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temper_oci::{Digest, Platform};

use crate::Limits;
use crate::error::{FormatError, check_limit, parse_json};
use crate::predicate;

/// The payload type of a statement in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const TYPE: &str = "https://in-toto.io/Statement/v1";
const OLD_TYPE: &str = "https://in-toto.io/Statement/v0.1";
const DOCUMENT: &str = "statement";

/// What is said about some subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What is spoken of.
    pub subject: Vec<Subject>,
    /// What kind of thing is said, see [`crate::predicate`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    #[serde(default)]
    pub predicate: Value,
}

/// One thing that a statement speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name for people; only the digest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digests by algorithm, in lower-case hexadecimal digits without prefix.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// Names a manifest.
    pub fn new(name: &str, digest: Digest) -> Self {
        Self { name: Some(name.to_owned()), digest: digests(digest) }
    }

    /// Names the manifest of one platform.
    pub fn platform(repository: &str, platform: &Platform, digest: Digest) -> Self {
        let platform = platform.to_string().replace('/', "%2F");
        Self::new(&format!("{repository}?platform={platform}"), digest)
    }

    /// Says whether this is the manifest of a digest.
    pub fn is(&self, digest: Digest) -> bool {
        self.digest.get(digest.algorithm()).is_some_and(|hex| *hex == digest.hex())
    }
}

impl Statement {
    /// Makes a statement of version 1.
    pub fn new(subject: Vec<Subject>, predicate_type: &str, predicate: Value) -> Self {
        Self { kind: TYPE.to_owned(), subject, predicate_type: predicate_type.to_owned(), predicate }
    }

    /// Makes the statement that cosign 3 takes for the signature of a manifest. As cosign's own it has no name, so it
    /// is the same wherever the manifest is.
    pub fn signature(digest: Digest) -> Self {
        let subject = Subject { name: None, digest: digests(digest) };
        Self::new(vec![subject], predicate::COSIGN_SIGN, Value::Object(serde_json::Map::new()))
    }

    /// Parses a statement of version 1 or 0.1.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        let statement: Self = parse_json(DOCUMENT, bytes, limits.statement_bytes_max)?;
        if statement.kind != TYPE && statement.kind != OLD_TYPE {
            return Err(FormatError::Type { document: DOCUMENT, found: statement.kind, expected: TYPE });
        }
        check_limit(DOCUMENT, "subjects", statement.subject.len(), limits.subjects_max)?;
        Ok(statement)
    }

    /// Says whether the statement speaks of a manifest.
    pub fn is_about(&self, digest: Digest) -> bool {
        self.subject.iter().any(|subject| subject.is(digest))
    }

    /// Refuses a statement that does not speak of a manifest.
    pub fn check_subject(&self, digest: Digest) -> Result<(), FormatError> {
        if self.is_about(digest) {
            return Ok(());
        }
        let names: Vec<String> = self
            .subject
            .iter()
            .flat_map(|subject| subject.digest.iter().map(|(algorithm, hex)| format!("`{algorithm}:{hex}`")))
            .take(3)
            .collect();
        let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Err(FormatError::Subject { document: DOCUMENT, found, expected: digest })
    }

    /// Returns the bytes to sign: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement has string keys only")
    }
}

fn digests(digest: Digest) -> BTreeMap<String, String> {
    BTreeMap::from([(digest.algorithm().to_owned(), digest.hex())])
}
