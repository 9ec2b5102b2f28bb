//! OCI references, digests, manifests, image configs, layer indexes, and their validation.
//!
//! A format crate: it knows bytes and hashes; it must not know networks, host paths, environment, or clocks.

pub mod digest;
pub mod entry;
pub mod platform;

pub mod pattern;
pub mod reference;

pub mod compression;
pub mod config;
pub mod descriptor;
pub mod document;
pub mod index;
pub mod manifest;
pub mod media_type;

mod archive;
pub mod layer;
pub mod scan;
pub mod validate;

pub use compression::Compression;
pub use config::{ConfigError, HistoryEntry, ImageConfig};
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestHasher, ParseDigestError};
pub use document::{Document, DocumentError, ImageDocument};
pub use entry::{Entry, EntryKind, normalize_path};
pub use index::Index;
pub use layer::{ElfFacts, Facts, LayerIndex, Record};
pub use manifest::Manifest;
pub use pattern::{ParsePatternError, Pattern};
pub use platform::{ParsePlatformError, Platform};
pub use reference::{ParseReferenceError, Reference};
pub use scan::{Scan, ScanError, ScanLimits, ScanMode, scan_tar, visit_files};
pub use validate::{BlobSource, Problem, Violation, validate, validate_layers};
