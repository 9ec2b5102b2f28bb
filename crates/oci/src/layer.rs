//! The layer index: what one layer blob holds, learned in one pass and kept for ever under the blob's digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Digest, Entry};

/// The index of one layer blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerIndex {
    /// Digest of the uncompressed archive.
    pub diff_id: Digest,
    /// Length of the uncompressed archive in bytes.
    pub uncompressed_size_bytes: u64,
    /// What the archive holds, in its order.
    pub records: Vec<Record>,
    /// What is known of file contents.
    pub facts: Arc<Facts>,
}

/// One record of a layer, see the [OCI image specification, "Image Layer Filesystem Changeset"].
///
/// [OCI image specification, "Image Layer Filesystem Changeset"]: https://github.com/opencontainers/image-spec/blob/main/layer.md
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A path that is added or replaced.
    Entry(Entry),
    /// A path of the layers below that is removed.
    Whiteout(String),
    /// A directory whose content in the layers below is hidden.
    Opaque(String),
}

/// What is known of file contents, by content digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// ELF files.
    pub elf: BTreeMap<Digest, ElfFacts>,
    /// First lines of scripts (the text after `#!`, trimmed, at most 256 bytes).
    pub interpreters: BTreeMap<Digest, String>,
    /// Whole contents of the small files that composition reads, see [`crate::scan::is_kept`].
    pub kept: BTreeMap<Digest, Vec<u8>>,
}

/// What composition needs to know of one ELF file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElfFacts {
    /// Machine number (`e_machine`): 62 is x86-64, 183 is 64-bit ARM.
    pub machine: u16,
    /// Whether the file is 64-bit.
    pub is_64: bool,
    /// Whether the type is `ET_DYN`.
    pub is_dynamic: bool,
    /// Processor flags (`e_flags`).
    pub flags: u32,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `PT_INTERP`.
    pub interpreter: Option<String>,
    /// `DT_RUNPATH`, or `DT_RPATH` where there is none.
    pub runpath: Option<String>,
    /// Version names that the file defines.
    pub versions_defined: Vec<String>,
    /// Version names that the file needs, by library.
    pub versions_needed: Vec<(String, Vec<String>)>,
}
