//! OCI references, digests, manifests, image configs, layer indexes, and their validation.
//!
//! A format crate: it knows bytes and hashes; it must not know networks, host paths, environment, or clocks.

pub mod digest;
pub mod entry;
pub mod platform;

mod archive;
pub mod layer;
pub mod scan;

pub use digest::{Digest, DigestHasher, ParseDigestError};
pub use entry::{Entry, EntryKind, normalize_path};
pub use layer::{ElfFacts, Facts, LayerIndex, Record};
pub use platform::{ParsePlatformError, Platform};
pub use scan::{Scan, ScanError, ScanLimits, ScanMode, scan_tar, visit_files};
