//! What can go wrong with records.

use temper_oci::Digest;

use super::database::{self, Database};
use crate::blobs::is_full;

/// Why an operation on records failed; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database cannot be opened.
    #[error("cannot open database `{database}`")]
    Open {
        /// Which one.
        database: Database,
        /// Why.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot bring database `{database}` to this version's schema")]
    Migrate {
        /// Which one.
        database: Database,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("database operation `{operation}` failed")]
    Sql {
        /// Which operation, in words of this crate.
        operation: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A stored value cannot be read back.
    #[error("column `{column}` holds `{value}`, which this version cannot read")]
    Inconsistent {
        /// Table and column.
        column: &'static str,
        /// The stored text.
        value: String,
    },
    /// Manifests name blobs or manifests that the repository does not have.
    #[error("repository `{repository}` lacks {} that a manifest names, the first is `{}`", .digests.len(), .digests[0])]
    MissingReferences {
        /// The repository's name.
        repository: String,
        /// What is missing, at least one, in the order of the manifest; the list may be cut off.
        digests: Vec<Digest>,
    },
    /// A manifest says of something that the repository has that it is of another size.
    #[error("manifest says that `{}` has {} bytes, and it has {}", .0.digest, .0.stated_bytes, .0.size_bytes)]
    WrongSize(Box<WrongSize>),
    /// An upload has expired.
    #[error("upload `{0}` has expired")]
    UnknownUpload(String),
    /// A tag stays where it is.
    #[error("tag `{tag}` of repository `{repository}` is fixed at manifest `{digest}`")]
    FixedTag {
        /// The repository's name.
        repository: String,
        /// The tag that was to be moved or removed.
        tag: String,
        /// Where it points.
        digest: Digest,
    },
    /// A blob stays in its repository.
    #[error("manifest `{}` of repository `{}` needs blob `{}`", .0.manifest, .0.repository, .0.digest)]
    NeededBlob(Box<NeededBlob>),
    /// A tag cannot point to a manifest that is not there.
    #[error("tag `{tag}` of repository `{repository}` cannot point to unknown manifest `{digest}`")]
    UnknownManifest {
        /// The repository's name.
        repository: String,
        /// The tag that was to be moved.
        tag: String,
        /// Where it was to point.
        digest: Digest,
    },
    /// More would be kept than a quota allows.
    #[error(
        "quota of `{scope}` is {limit_bytes} bytes, of which {used_bytes} are used; {added_bytes} more do not fit"
    )]
    Quota {
        /// The repository, or the organization, whose quota it is.
        scope: String,
        /// Bytes that are used.
        used_bytes: u64,
        /// Bytes of open uploads, where there would be room without them; else 0.
        staged_bytes: u64,
        /// Bytes that were to be added.
        added_bytes: u64,
        /// The most that is kept.
        limit_bytes: u64,
    },
}

/// A blob that a manifest needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededBlob {
    /// The repository's name.
    pub repository: String,
    /// The blob.
    pub digest: Digest,
    /// A manifest that names it.
    pub manifest: Digest,
}

/// A size that a manifest states and that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSize {
    /// The blob or manifest that it names.
    pub digest: Digest,
    /// The size that it states.
    pub stated_bytes: u64,
    /// The size that the repository knows.
    pub size_bytes: u64,
}

impl RecordsError {
    /// Says whether there is no room on the disk.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Sql { source: sqlx::Error::Database(error), .. } => database::is_full(error.as_ref()),
            Self::Sql { source: sqlx::Error::Io(error), .. } => is_full(error),
            _ => false,
        }
    }

    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { database: Database::File(path), .. } => {
                Some(format!("check that `{}` exists and can be written", path.parent()?.display()))
            }
            Self::Open { database: Database::Server(_), .. } => {
                Some("check that the server runs, and that address, user and password are right".to_owned())
            }
            Self::Migrate { .. } => {
                Some("the data may come from a newer version; start that one or restore a backup".to_owned())
            }
            Self::MissingReferences { .. } => {
                Some("push blobs and platform manifests before what names them".to_owned())
            }
            Self::Quota { .. } => {
                Some("delete tags or manifests that are not needed, or ask for a larger quota".to_owned())
            }
            Self::NeededBlob(_) => Some("delete the manifests that name the blob first".to_owned()),
            Self::Sql { .. }
            | Self::Inconsistent { .. }
            | Self::FixedTag { .. }
            | Self::WrongSize(_)
            | Self::UnknownUpload(_)
            | Self::UnknownManifest { .. } => None,
        }
    }
}
