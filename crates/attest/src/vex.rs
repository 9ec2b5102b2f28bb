//! VEX: which known vulnerabilities do not, or do, concern an image.
//!
//! Follows [OpenVEX 0.2](https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md). What the publisher of a base
//! said is inherited where it is still true; nothing is ever concluded that nobody said.

mod inherit;
mod judge;
mod own;
mod products;
mod validity;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{FormatError, check_limit, parse_json};
use crate::{Limits, predicate};

pub use inherit::{Base, DropReason, Dropped, Inherited, inherit};
pub use judge::{Fault, Judged};
pub use own::{Own, own};
pub use validity::{Defect, JUSTIFICATIONS};

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";
const DOCUMENT: &str = "VEX document";

/// An OpenVEX document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VexDocument {
    #[serde(rename = "@context")]
    context: String,
    /// Its address.
    #[serde(rename = "@id")]
    pub id: String,
    /// Who says it.
    pub author: String,
    /// When it was said, in RFC 3339.
    pub timestamp: String,
    /// The revision of the document.
    pub version: Value,
    /// What wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tooling: Option<String>,
    /// What is said.
    pub statements: Vec<VexStatement>,
    /// Everything else, as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One statement: a vulnerability, some products, a status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VexStatement {
    /// The vulnerability.
    pub vulnerability: Vulnerability,
    /// When it was said, where that differs from the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The products that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<Product>,
    /// Whether they are affected.
    pub status: Status,
    /// Notes on the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_notes: Option<String>,
    /// Everything else (`justification`, `impact_statement`, `action_statement`), as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A vulnerability by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// `CVE-2026-0001`.
    pub name: String,
    /// Everything else (`@id`, `aliases`, `description`), as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a status says of the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing needs to be done.
    NotAffected,
    /// Something should be done.
    Affected,
    /// The product has the fix.
    Fixed,
    /// Not known yet.
    UnderInvestigation,
}

/// A product, as a rule an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// What it is.
    #[serde(flatten)]
    pub component: Component,
    /// The parts of it that have the vulnerability; none stands for the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcomponents: Vec<Component>,
}

/// A product or a part of one, by address, package URL or digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// An address, as a rule a package URL.
    #[serde(rename = "@id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Other names, by kind: `purl`, `cpe23`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identifiers: BTreeMap<String, String>,
    /// Digests, by algorithm: `sha-256`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<String, String>,
}

impl Status {
    /// Says whether nothing needs to be done: a claim that must not outlive what it was made about.
    pub fn is_reassuring(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

impl VexDocument {
    /// Parses a document.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, FormatError> {
        parse_json::<Self>(DOCUMENT, bytes, limits.vex_bytes_max)?.checked(limits)
    }

    /// Reads the predicate of a statement whose type is OpenVEX, with or without a version.
    pub fn from_predicate(predicate: &Value, limits: &Limits) -> Result<Self, FormatError> {
        let document = Self::deserialize(predicate)
            .map_err(|source| FormatError::Json { document: DOCUMENT, source })?;
        document.checked(limits)
    }

    /// Writes the predicate.
    pub fn to_predicate(&self) -> Value {
        serde_json::to_value(self).expect("a document has string keys only")
    }

    fn checked(self, limits: &Limits) -> Result<Self, FormatError> {
        if !self.context.starts_with(predicate::OPENVEX) {
            return Err(FormatError::Type { document: DOCUMENT, found: self.context, expected: CONTEXT });
        }
        check_limit(DOCUMENT, "statements", self.statements.len(), limits.vex_statements_max)?;
        Ok(self)
    }
}
