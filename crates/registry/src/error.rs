//! Errors as clients see them: the specification's codes, one status each, and what to do about it.

mod code;

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use temper_oci::Digest;

use crate::access::AccessError;
use crate::name::RepositoryName;

pub(crate) use code::ErrorCode;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No end point has this path.
    #[error("no end point of the registry has this path")]
    Path,
    /// The end point has no such method.
    #[error("this end point takes {allowed} only")]
    Method {
        /// What it takes, as in the header `Allow`.
        allowed: &'static str,
    },
    /// It is not clear which host is asked.
    #[error("request has no header `Host`, or several")]
    Host,
    /// The headers are too long.
    #[error("headers are longer than {0} bytes")]
    Headers(usize),
    /// A repository's name breaks the grammar.
    #[error("`{0}` is not a repository name: lower-case letters and digits, joined by `.`, `_`, `-` or `/`")]
    Name(String),
    /// The repository does not exist, or the caller may not know.
    #[error("repository `{0}` is unknown")]
    NameUnknown(RepositoryName),
    /// The caller must say who it is.
    #[error("authentication is required")]
    Unauthorized {
        /// Value of `WWW-Authenticate`.
        challenge: String,
    },
    /// What the caller said to prove who it is proves nothing.
    #[error("user name and password or token do not match")]
    Login {
        /// Value of `WWW-Authenticate`.
        challenge: String,
    },
    /// A token is wanted for more than any push needs.
    #[error("a token is wanted for too many repositories")]
    Scopes,
    /// A token is wanted in a way that is not known.
    #[error("grant type `{0}` is neither `password` nor `refresh_token`")]
    GrantType(String),
    /// The caller is known, or cannot be, and may not do this.
    #[error("access to repository `{0}` is denied")]
    Denied(RepositoryName),
    /// A tag that may not move was to be moved or removed.
    #[error("tag `{tag}` of repository `{repository}` is immutable and stays at `{digest}`")]
    ImmutableTag {
        /// Where it is.
        repository: RepositoryName,
        /// The tag.
        tag: String,
        /// Where it points.
        digest: Digest,
    },
    /// A blob that a manifest needs was to be removed.
    #[error("blob `{}` of repository `{}` is needed by manifest `{}`", .0.digest, .0.repository, .0.manifest)]
    NeededBlob(Box<temper_store::records::NeededBlob>),
    /// A blob is not in the repository.
    #[error("blob `{digest}` is unknown in repository `{repository}`")]
    BlobUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// What was looked for.
        digest: Digest,
    },
    /// A manifest is not in the repository.
    #[error("manifest `{reference}` is unknown in repository `{repository}`")]
    ManifestUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// Tag or digest that was looked for.
        reference: String,
    },
    /// A text is not a digest that the registry takes.
    #[error(transparent)]
    Digest(#[from] temper_oci::ParseDigestError),
    /// Bytes are not what their digest says.
    #[error("digest of the content is `{actual}`, not `{expected}`")]
    DigestMismatch {
        /// What the client announced.
        expected: Box<Digest>,
        /// What arrived.
        actual: Box<Digest>,
    },
    /// A manifest cannot be taken.
    #[error("manifest is not valid: {0}")]
    ManifestInvalid(String),
    /// A manifest names what the repository does not have.
    #[error("repository `{repository}` lacks {} blobs or manifests that the manifest names", .digests.len())]
    ManifestReferences {
        /// Where the manifest was to go.
        repository: RepositoryName,
        /// What is missing; the list may be cut off.
        digests: Vec<Digest>,
    },
    /// An upload is not there: never begun, ended, or dropped after a long silence.
    #[error("upload `{0}` is unknown")]
    UploadUnknown(String),
    /// Another request is writing to the upload.
    #[error("upload `{0}` is in use by another request")]
    UploadBusy(String),
    /// A piece of an upload does not continue it.
    #[error("upload is at byte {offset}, the piece begins at byte {start}")]
    UploadRange {
        /// Bytes that were kept so far.
        offset: u64,
        /// Where the piece begins.
        start: u64,
        /// Where to go on.
        location: String,
    },
    /// A header of an upload cannot be read.
    #[error("header `{header}` of an upload does not make sense: `{value}`")]
    UploadHeader {
        /// Its name.
        header: &'static str,
        /// What it holds.
        value: String,
    },
    /// The body ended early.
    #[error("body of the request broke off")]
    Body,
    /// The body has another length than its headers say.
    #[error("body holds {actual} bytes, its range {expected}")]
    Size {
        /// What the header said.
        expected: u64,
        /// What arrived.
        actual: u64,
    },
    /// Something is larger than this registry takes.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Which thing.
        what: &'static str,
        /// The most that is taken.
        limit: u64,
    },
    /// The client sent nothing, or too little, for too long.
    #[error("too little arrived within {} seconds", .0.as_secs())]
    Silent(Duration),
    /// Too many uploads are open.
    #[error("{0} uploads are open, no more can begin")]
    TooManyUploads(usize),
    /// A manifest comes with too many tags.
    #[error("manifest comes with more than {0} tags")]
    TooManyTags(usize),
    /// The query cannot be read.
    #[error("query of the address cannot be read")]
    Query,
    /// A range that the blob does not have.
    #[error("range is outside of the {size_bytes} bytes of the blob")]
    Range {
        /// The blob's size.
        size_bytes: u64,
    },
    /// Rights and rules could not be asked for.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no room on the registry's disk.
    #[error("the registry's disk is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The records failed.
    #[error("records failed")]
    Records(#[source] temper_store::records::RecordsError),
    /// What is pushed does not fit into a quota.
    #[error(
        "quota of `{scope}` is used up: {} of {} are used{}, {} more do not fit",
        size(*used_bytes), size(*limit_bytes), arriving(*staged_bytes), size(*added_bytes)
    )]
    Quota {
        /// The repository, or the organization, whose quota it is.
        scope: String,
        /// Bytes that are used.
        used_bytes: u64,
        /// Bytes of other uploads that are in the way.
        staged_bytes: u64,
        /// Bytes that were to be added.
        added_bytes: u64,
        /// The most that is kept.
        limit_bytes: u64,
    },
    /// The storage of blobs failed.
    #[error("storage of blobs failed")]
    Storage(#[source] temper_store::storage::StorageError),
}

impl RegistryError {
    /// Returns the status and the specification's code.
    pub(crate) fn status(&self) -> (StatusCode, ErrorCode) {
        match self {
            Self::Path => (StatusCode::NOT_FOUND, ErrorCode::Unsupported),
            Self::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported),
            Self::Host => (StatusCode::BAD_REQUEST, ErrorCode::Unsupported),
            Self::Headers(_) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, ErrorCode::Unsupported),
            Self::Name(_) => (StatusCode::BAD_REQUEST, ErrorCode::NameInvalid),
            Self::NameUnknown(_) => (StatusCode::NOT_FOUND, ErrorCode::NameUnknown),
            Self::Unauthorized { .. } | Self::Login { .. } => {
                (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized)
            }
            // Of a status from 500 on most clients show only the number, and try again for long.
            Self::Denied(_) | Self::Quota { .. } | Self::Full(_) => {
                (StatusCode::FORBIDDEN, ErrorCode::Denied)
            }
            Self::ImmutableTag { .. } | Self::NeededBlob(_) => (StatusCode::CONFLICT, ErrorCode::Denied),
            Self::BlobUnknown { .. } => (StatusCode::NOT_FOUND, ErrorCode::BlobUnknown),
            Self::ManifestUnknown { .. } => (StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown),
            Self::Digest(_) | Self::DigestMismatch { .. } => {
                (StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid)
            }
            Self::ManifestInvalid(_) => (StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid),
            Self::ManifestReferences { .. } => (StatusCode::NOT_FOUND, ErrorCode::ManifestBlobUnknown),
            Self::UploadUnknown(_) => (StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown),
            Self::UploadBusy(_) => (StatusCode::CONFLICT, ErrorCode::BlobUploadInvalid),
            Self::UploadRange { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid),
            Self::UploadHeader { .. } | Self::Body => (StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid),
            Self::Size { .. } => (StatusCode::BAD_REQUEST, ErrorCode::SizeInvalid),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid),
            Self::Silent(_) => (StatusCode::REQUEST_TIMEOUT, ErrorCode::BlobUploadInvalid),
            Self::TooManyUploads(_) | Self::Access(AccessError::Busy) => {
                (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests)
            }
            Self::TooManyTags(_) => (StatusCode::URI_TOO_LONG, ErrorCode::TooManyRequests),
            Self::Query | Self::Scopes | Self::GrantType(_) => {
                (StatusCode::BAD_REQUEST, ErrorCode::Unsupported)
            }
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::Unsupported),
            Self::Access(AccessError::Failed(_)) | Self::Records(_) | Self::Storage(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal)
            }
        }
    }

    /// Says whether a bound was met that keeps the server well: its operator may want to know.
    pub(crate) fn is_bound(&self) -> bool {
        matches!(self.status().0.as_u16(), 408 | 413 | 414 | 429)
    }

    /// Returns what the client's user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthorized { .. } => Some("log in to this registry".to_owned()),
            Self::ManifestReferences { .. } => Some("push blobs and platform manifests first".to_owned()),
            Self::ImmutableTag { .. } => Some("push under a tag of its own".to_owned()),
            Self::Storage(error) => error.hint(),
            Self::NeededBlob(_) => Some("delete the manifests that name it first".to_owned()),
            Self::Full(_) => Some("ask the registry's operator to make room, then push again".to_owned()),
            Self::UploadUnknown(_) => Some("begin the upload again".to_owned()),
            Self::TooManyUploads(_) => Some("end or cancel other uploads, or try later".to_owned()),
            Self::Quota { .. } => {
                Some("delete tags or manifests that are not needed, or ask for a larger quota".to_owned())
            }
            _ => None,
        }
    }

    /// Returns the `detail` of the answer: what a program may want to know.
    fn detail(&self) -> serde_json::Value {
        match self {
            Self::ManifestReferences { digests, .. } => json!({ "digests": digests }),
            Self::DigestMismatch { expected, actual } => json!({ "expected": expected, "actual": actual }),
            Self::Quota { scope, used_bytes, limit_bytes, .. } => {
                json!({ "scope": scope, "used_bytes": used_bytes, "limit_bytes": limit_bytes })
            }
            // That hint is for the operator.
            Self::Storage(_) => serde_json::Value::Null,
            _ => self.hint().map_or(serde_json::Value::Null, |hint| json!({ "hint": hint })),
        }
    }

    fn add_headers(&self, response: &mut Response) {
        let mut set = |name, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                response.headers_mut().insert(name, value);
            }
        };
        match self {
            Self::Method { allowed } => set(header::ALLOW, allowed),
            Self::Access(AccessError::Busy) => set(header::RETRY_AFTER, "1"),
            Self::Unauthorized { challenge } | Self::Login { challenge } => {
                set(header::WWW_AUTHENTICATE, challenge);
            }
            Self::Range { size_bytes } => set(header::CONTENT_RANGE, &format!("bytes */{size_bytes}")),
            Self::TooManyUploads(_) => set(header::RETRY_AFTER, "30"),
            Self::UploadRange { offset, location, .. } => {
                set(header::LOCATION, location);
                set(header::RANGE, &format!("0-{}", offset.saturating_sub(1)));
            }
            // The rest of the body was not read, so the connection cannot serve another request.
            Self::Silent(_) | Self::TooLarge { .. } | Self::Host | Self::Headers(_) => {
                set(header::CONNECTION, "close");
            }
            _ => {}
        }
    }
}

impl From<temper_store::records::RecordsError> for RegistryError {
    fn from(error: temper_store::records::RecordsError) -> Self {
        use temper_store::records::RecordsError::{FixedTag, NeededBlob, Quota, UnknownUpload, WrongSize};
        match error {
            error if error.is_full() => Self::Full(error.into()),
            FixedTag { repository, tag, digest } => match RepositoryName::parse(&repository) {
                Some(repository) => Self::ImmutableTag { repository, tag, digest },
                None => Self::Name(repository),
            },
            Quota { scope, used_bytes, staged_bytes, added_bytes, limit_bytes } => {
                Self::Quota { scope, used_bytes, staged_bytes, added_bytes, limit_bytes }
            }
            WrongSize(wrong) => Self::ManifestInvalid(format!(
                "it says that `{}` has {} bytes, and it has {}",
                wrong.digest, wrong.stated_bytes, wrong.size_bytes
            )),
            NeededBlob(needed) => Self::NeededBlob(needed),
            UnknownUpload(id) => Self::UploadUnknown(id),
            error => Self::Records(error),
        }
    }
}

impl From<temper_store::storage::StorageError> for RegistryError {
    fn from(error: temper_store::storage::StorageError) -> Self {
        use temper_store::blobs::BlobError::Digest;
        use temper_store::storage::StorageError::File;
        match error {
            error if error.is_full() => Self::Full(error.into()),
            File(Digest { expected, actual }) => Self::DigestMismatch { expected, actual },
            error => Self::Storage(error),
        }
    }
}

/// Writes how much of what is used has not become a blob yet.
fn arriving(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" and {} arrive in other uploads", size(bytes)) }
}

/// Writes a number of bytes as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(UNITS.len() as u32);
    match power.checked_sub(1) {
        None => format!("{bytes} bytes"),
        Some(unit) => format!(
            "{:.1} {}",
            bytes as f64 / f64::from(1_u32 << 10).powi(power as i32),
            UNITS[unit as usize]
        ),
    }
}

impl IntoResponse for RegistryError {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        if code == ErrorCode::Internal || matches!(self, Self::Full(_)) {
            tracing::error!(error = &self as &dyn std::error::Error, "request failed");
        }
        let body = json!({
            "errors": [{ "code": code.as_str(), "message": self.to_string(), "detail": self.detail() }]
        });
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
        self.add_headers(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::to_bytes;
    use temper_store::blobs::BlobError;
    use temper_store::storage::StorageError;

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_in_words_and_other_faults_are_not() {
        for (kind, status, code, message) in [
            (io::ErrorKind::StorageFull, 403, "DENIED", "the registry's disk is full"),
            (io::ErrorKind::QuotaExceeded, 403, "DENIED", "the registry's disk is full"),
            (io::ErrorKind::PermissionDenied, 500, "INTERNAL_ERROR", "storage of blobs failed"),
        ] {
            let (action, path, source) = ("write", "/srv/secret".into(), io::Error::from(kind));
            let error = StorageError::File(BlobError::Io { action, path, source });
            let response = RegistryError::from(error).into_response();
            assert_eq!(response.status().as_u16(), status, "{kind:?}");
            let body = to_bytes(response.into_body(), 10_000).await.expect("reads");
            let answer: serde_json::Value = serde_json::from_slice(&body).expect("is JSON");
            assert_eq!(
                (&answer["errors"][0]["code"], &answer["errors"][0]["message"]),
                (&code.into(), &message.into())
            );
            assert!(!answer.to_string().contains("secret"), "{answer}");
        }
    }
}
