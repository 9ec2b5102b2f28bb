//! Headers that only registries use.

use axum::http::{HeaderName, HeaderValue};

/// Digest of the content that an answer holds or speaks of.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Id of an upload; some clients read it instead of the location.
pub(crate) const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Digest of the subject of a manifest that was just pushed: the sign that referrers are kept here.
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A tag that a manifest which was pushed by digest got with it.
pub(crate) const TAG: HeaderName = HeaderName::from_static("oci-tag");

/// Which filters a list of referrers went through.
pub(crate) const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Sent with the base path's answer, by which old clients know the protocol.
pub(crate) const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Makes a header value of text that is known to be printable ASCII.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digests, names, numbers and paths are printable ASCII")
}
