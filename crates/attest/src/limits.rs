//! Bounds of everything that this crate reads from outside.

/// Bounds for foreign documents; each error names the limit that was met.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest DSSE envelope or bundle in bytes. Cosign itself stops at 128 MiB.
    pub envelope_bytes_max: usize,
    /// Longest statement in bytes, decoded.
    pub statement_bytes_max: usize,
    /// Most signatures of one envelope.
    pub signatures_max: usize,
    /// Most subjects of one statement.
    pub subjects_max: usize,
    /// Longest simple signing payload in bytes.
    pub simple_signing_bytes_max: usize,
    /// Most layers of a manifest that holds signatures or attestations.
    pub attachments_max: usize,
    /// Most manifests and blobs of everything together that is attached to one manifest.
    pub attached_parts_max: usize,
    /// Most bytes of everything together that is attached to one manifest.
    pub attached_bytes_max: u64,
    /// Longest licence file of a package in bytes; a longer one counts as free-form.
    pub copyright_bytes_max: usize,
    /// Longest VEX document in bytes.
    pub vex_bytes_max: usize,
    /// Most statements of a VEX document.
    pub vex_statements_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope_bytes_max: 96 << 20,
            statement_bytes_max: 64 << 20,
            signatures_max: 16,
            subjects_max: 1_000,
            simple_signing_bytes_max: 64 << 10,
            attachments_max: 1_000,
            attached_parts_max: 2_000,
            attached_bytes_max: 512 << 20,
            copyright_bytes_max: 2 << 20,
            vex_bytes_max: 20 << 20,
            vex_statements_max: 50_000,
        }
    }
}
