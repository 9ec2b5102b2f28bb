//! Bounds on what a scan reads and keeps.

use crate::scan::ScanError;

/// Bounds of one pass over one archive; beyond them the archive is refused, except where a field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Members of the archive. Default 2,000,000.
    pub entries_max: u64,
    /// Length of a path or link text in bytes. Default 4096, as `PATH_MAX`.
    pub path_bytes_max: u64,
    /// Length of the archive in bytes. Default 64 GiB.
    pub uncompressed_bytes_max: u64,
    /// Length of one extended header or long name in bytes. Default 1 MiB.
    pub extension_bytes_max: u64,
    /// Names and values of one entry's extended attributes together, in bytes. Default 128 KiB.
    pub xattr_bytes_max: u64,
    /// Kept contents together, in bytes. Default 128 MiB.
    pub kept_bytes_max: u64,
    /// Names in ELF files and interpreter lines together, in bytes. Default 128 MiB.
    pub facts_bytes_max: u64,
    /// Length in bytes up to which an ELF file is looked at; of a longer one nothing is known. Default 1 GiB.
    pub elf_bytes_max: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            entries_max: 2_000_000,
            path_bytes_max: 4096,
            uncompressed_bytes_max: 64 << 30,
            extension_bytes_max: 1 << 20,
            xattr_bytes_max: 128 << 10,
            kept_bytes_max: 128 << 20,
            facts_bytes_max: 128 << 20,
            elf_bytes_max: 1 << 30,
        }
    }
}

/// Refuses a `value` above the limit of this name, noticed at `offset` of the archive.
pub(crate) fn check_limit(limit: &'static str, value: u64, max: u64, offset: u64) -> Result<(), ScanError> {
    if value > max { Err(ScanError::Limit { limit, value, max, offset }) } else { Ok(()) }
}
