//! What is said about an image and proved: keys, signatures, attestations, SBOMs, provenance, VEX, and how they are attached.
//!
//! An engine crate: it knows bytes and keys; it must not know networks, databases, environment, clocks, or randomness.

mod limits;

pub mod keys;

mod error;

pub mod predicate;
pub mod statement;

pub mod dsse;
pub mod simple_signing;

pub mod bundle;

pub mod carrier;

pub mod licence;
pub mod purl;

pub mod inventory;
mod sbom;

pub mod provenance;
pub mod vex;

pub use bundle::Bundle;
pub use dsse::Envelope;
pub use error::FormatError;
pub use inventory::Inventory;
pub use keys::{FileKey, KeyError, PublicKey, SignError, SignatureError, Signer};
pub use licence::Licence;
pub use limits::Limits;
pub use provenance::BuildRecord;
pub use purl::Purl;
pub use simple_signing::SimpleSigning;
pub use statement::{Statement, Subject};
pub use vex::VexDocument;
