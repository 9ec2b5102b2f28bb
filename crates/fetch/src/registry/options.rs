//! How the client behaves, and its bounds.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::document::DOCUMENT_BYTES_MAX;

use crate::http::Backoff;

/// Settings of a [`super::RegistryClient`].
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Registries, as host with port, that are spoken to by plain HTTP. This machine's own names are, too.
    pub insecure: BTreeSet<String>,
    /// PEM bundles of authorities that one registry, by host with port, is trusted by, beside those of all. Such a
    /// registry is spoken to by TLS, also on this machine.
    pub certificate_authorities: BTreeMap<String, Vec<Vec<u8>>>,
    /// How often and how patiently requests are repeated.
    pub backoff: Backoff,
    /// Longest manifest in bytes that is read.
    pub manifest_bytes_max: u64,
    /// Most tags or referrers that a list may hold in all its pages.
    pub list_entries_max: usize,
    /// Most pages of such a list.
    pub list_pages_max: usize,
    /// Most bytes of all its pages.
    pub list_bytes_max: u64,
    /// Size in bytes of one piece, where a registry takes blobs in pieces only.
    pub chunk_bytes: usize,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            insecure: BTreeSet::new(),
            certificate_authorities: BTreeMap::new(),
            backoff: Backoff::default(),
            manifest_bytes_max: DOCUMENT_BYTES_MAX as u64,
            list_entries_max: 1_000_000,
            list_pages_max: 10_000,
            list_bytes_max: 128 << 20,
            chunk_bytes: 16 << 20,
        }
    }
}
