//! What can go wrong between an archive and its reader.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use temper_deb::release::ReleaseError;
use temper_oci::Digest;

use crate::http::HttpError;
use crate::openpgp::{KeyringError, VerifyError};

use super::MirrorError;

/// Why an archive cannot be used. Addresses are written without credentials.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("`{address}` is not the address of an archive")]
    Address { address: String },
    #[error("`{path}` is not a path below an archive")]
    Path { path: String },
    #[error("`{url}` cannot be reached")]
    Request {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("`{url}` answers with status {status}")]
    Status {
        url: String,
        status: u16,
        /// What the server asks to wait.
        retry_after: Option<Duration>,
    },
    #[error(transparent)]
    Body(#[from] HttpError),
    #[error("release of `{suite}` at `{uri}` cannot be trusted")]
    Verify {
        suite: String,
        uri: String,
        #[source]
        source: VerifyError,
    },
    #[error("release of `{suite}` at `{uri}` cannot be read")]
    Release {
        suite: String,
        uri: String,
        #[source]
        source: ReleaseError,
    },
    #[error("release at `{uri}` is of `{found}`, not of `{suite}`")]
    OtherSuite { suite: String, uri: String, found: String },
    #[error("release of `{suite}` at `{uri}` was valid until {valid_until} only")]
    Expired { suite: String, uri: String, valid_until: Timestamp },
    #[error("release of `{suite}` at `{uri}` is of {date}, but one of {accepted} was seen before")]
    RolledBack { suite: String, uri: String, date: Timestamp, accepted: Timestamp },
    #[error("suite `{suite}` at `{uri}` is not cached")]
    Offline { suite: String, uri: String },
    #[error("suite `{suite}` has no index of component `{component}` for `{architecture}`")]
    NoIndex { suite: String, component: String, architecture: String, offered: Vec<String> },
    #[error("index `{digest}` of suite `{suite}` is not cached")]
    IndexOffline { suite: String, digest: Digest },
    #[error("`{url}` has {found} bytes, but {expected} were announced")]
    Size { url: String, expected: u64, found: u64 },
    #[error("`{url}` has digest `{found}`, but `{expected}` was announced")]
    Digest { url: String, expected: Box<Digest>, found: Box<Digest> },
    #[error("`{url}` is announced with {size} bytes, which is more than {limit}")]
    TooLarge { url: String, size: u64, limit: u64 },
    #[error("index `{path}` cannot be decompressed")]
    Decompress {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("index `{path}` is larger than {limit} bytes after decompression")]
    IndexTooLarge { path: String, limit: u64 },
    #[error("index `{path}` is not UTF-8")]
    IndexText { path: String },
    #[error("`{}` cannot be used", .path.display())]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("package from `{url}` cannot be stored")]
    Sink {
        url: String,
        #[source]
        source: io::Error,
    },
    #[error("the process is ending")]
    Stopped,
}

impl ArchiveError {
    /// Returns what the user or the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mirror(error) => error.hint(),
            Self::Keyring(error) => error.hint(),
            Self::Body(error) => error.hint(),
            Self::Verify { source, .. } => source.hint(),
            Self::Expired { .. } => {
                Some("the mirror has stopped being updated; configure another under `mirrors`".to_owned())
            }
            Self::RolledBack { .. } => Some(
                "the mirror is behind, or someone replays an old state; wait for it, or configure another"
                    .to_owned(),
            ),
            Self::Offline { .. } | Self::IndexOffline { .. } => {
                Some("run once with network access".to_owned())
            }
            Self::NoIndex { offered, .. } => Some(format!("the suite offers `{}`", offered.join("`, `"))),
            Self::OtherSuite { found, .. } => Some(format!("write `{found}` if that is what you mean")),
            Self::Request { .. } => Some("check the network and the configured `mirrors`".to_owned()),
            _ => None,
        }
    }

    /// Tells whether index and release do not belong together, as in the middle of an archive's update: a release
    /// asked for again with [`Freshness::Always`](super::Freshness::Always) helps then.
    pub(super) fn is_out_of_step(&self) -> bool {
        matches!(self, Self::Size { .. } | Self::Digest { .. } | Self::Status { status: 404 | 410, .. })
    }
}
