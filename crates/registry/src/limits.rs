//! Bounds of everything that clients send or make the server keep.

use std::time::Duration;

use temper_store::records::Micros;

use crate::patience::Patience;

/// The registry's limits; the default suits a team's own server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest manifest in bytes. Clients may rely on 4 MiB.
    pub manifest_bytes_max: usize,
    /// Longest annotations of a manifest with a subject, in bytes of JSON: lists of referrers repeat them.
    pub referrer_annotations_bytes_max: usize,
    /// Blobs and manifests that one manifest may name, each counted once: every one is looked for.
    pub manifest_references_max: usize,
    /// Longest blob in bytes.
    pub blob_bytes_max: u64,
    /// Uploads that are open at once.
    pub uploads_max: usize,
    /// Uploads of one repository that are open at once.
    pub repository_uploads_max: usize,
    /// Bytes that all uploads together gather in memory, about: the more there are, the smaller are their pieces.
    pub pieces_bytes_max: usize,
    /// How long an upload must have been silent to be given up for a new one where too many are open.
    pub upload_idle_min: Duration,
    /// How long an upload is kept after its last request.
    pub upload_idle_max: Duration,
    /// How often an upload or a blob that is in use is noted as such. The collector's grace must be longer.
    pub touch_interval: Duration,
    /// Longest silence while a body arrives.
    pub body_silence_max: Duration,
    /// Bytes per second below which a body counts as silent in the long run.
    pub body_bytes_per_second_min: u64,
    /// Longest time for a request without a blob in its body.
    pub request_time_max: Duration,
    /// Repositories that are tried for a blob that is to be mounted from anywhere.
    pub mount_sources_max: u32,
    /// Tags that one request may give a manifest.
    pub tags_per_push_max: usize,
    /// Tags in one answer.
    pub tags_page_max: u32,
    /// Repositories in one answer of the catalog.
    pub catalog_page_max: u32,
    /// Referrers in one answer.
    pub referrers_page_max: u32,
    /// Bytes of referrers in one answer: clients read an index of 4 MiB. One referrer is always shown.
    pub referrers_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes_max: 4 << 20,
            referrer_annotations_bytes_max: 64 << 10,
            manifest_references_max: 10_000,
            blob_bytes_max: 64 << 30,
            uploads_max: 1000,
            repository_uploads_max: 200,
            pieces_bytes_max: 256 << 20,
            upload_idle_min: Duration::from_mins(10),
            upload_idle_max: Duration::from_hours(24),
            touch_interval: Duration::from_secs(5),
            body_silence_max: Duration::from_mins(1),
            body_bytes_per_second_min: 1024,
            request_time_max: Duration::from_mins(1),
            mount_sources_max: 32,
            tags_per_push_max: 100,
            tags_page_max: 10_000,
            catalog_page_max: 1000,
            referrers_page_max: 100,
            referrers_bytes_max: (4 << 20) - (4 << 10),
        }
    }
}

impl Limits {
    /// Returns how long a client may keep us waiting for a body.
    pub(crate) fn body_patience(&self) -> Patience {
        Patience::new(self.body_silence_max, self.body_bytes_per_second_min)
    }
}

/// Returns a duration as records count time.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
