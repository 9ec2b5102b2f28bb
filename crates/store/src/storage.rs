//! The storage: where the bytes of the embedded registry's blobs live, a folder or an object store.
//!
//! The records say which blobs there are; the storage only keeps bytes under keys. A key is made for one upload and
//! never used again, so nothing here is ever overwritten: no lock, and no conditional write that some object stores
//! do not have. Whoever finds a key without an owner in the records may remove it, at any time.

mod directory;
mod key;
mod location;
mod objects;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::ObjectStore;

use crate::blobs::{BlobError, is_full};
use crate::staging::StagedBlob;

pub use directory::Directory;
pub use key::StorageKey;
pub use location::{ObjectLocation, ObjectLocationError};
pub use objects::Objects;

/// Why the storage did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] BlobError),
    /// The object store said no.
    #[error("cannot {action} `{key}` in {store}")]
    Object {
        /// What was tried.
        action: &'static str,
        /// On which object.
        key: String,
        /// In which store, in words.
        store: String,
        /// Why not.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The storage keeps the blobs of other records.
    #[error("{place} belongs to `{found}`, and this registry is `{owner}`")]
    Owned {
        /// Which storage, in words.
        place: String,
        /// The id that is noted in the storage.
        found: String,
        /// The id that was to be noted.
        owner: String,
    },
    /// The bytes are not there.
    #[error("storage has nothing under `{0}`")]
    Missing(StorageKey),
    /// What was to be kept was removed meanwhile.
    #[error("staged bytes of upload `{0}` are gone")]
    Unstaged(String),
    /// The thread that was to do it ended.
    #[error("storage was interrupted")]
    Interrupted(#[source] io::Error),
}

impl StorageError {
    /// Says whether there is no room on the disk.
    pub fn is_full(&self) -> bool {
        match self {
            Self::File(error) => error.is_full(),
            Self::Interrupted(error) => is_full(error),
            _ => false,
        }
    }

    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Owned { .. } => Some(
                "give every data folder a storage of its own; if the other one is gone for good, remove `owner` from \
                 the storage"
                    .to_owned(),
            ),
            Self::Object { source, .. } => Some(object_hint(source)),
            _ => None,
        }
    }
}

/// Says what to do about an object store that refuses, or does not answer.
fn object_hint(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { .. } => "make the bucket, or correct its name".to_owned(),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            "check who Temper is there (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `storage-credentials` of the \
             configuration), and that it may read, write, list and delete objects"
                .to_owned()
        }
        _ => "check endpoint and region of `--storage`, and that the store answers there".to_owned(),
    }
}

/// Name of what says whose a storage is; it is no key of a blob.
const OWNER: &str = "owner";

/// Longest id of an owner in bytes.
const OWNER_BYTES_MAX: u64 = 64;

/// The bytes of a blob, or of a part of it.
pub type BlobBytes = BoxStream<'static, io::Result<Bytes>>;

/// Where bytes live; clones share it.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In a folder.
    Directory(Directory),
    /// In an object store.
    Objects(Objects),
}

impl Storage {
    /// Keeps bytes in an object store, below a prefix, which may be empty.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self::Objects(Objects::new(store, prefix))
    }

    /// Notes in the storage whose it is, the first time; refuses it where it is somebody else's.
    ///
    /// Whoever shares a storage takes the other's bytes for his own leftovers.
    pub async fn claim(&self, owner: &str) -> Result<(), StorageError> {
        match self {
            Self::Directory(directory) => directory.claim(owner).await?,
            Self::Objects(objects) => objects.claim(owner).await?,
        }
        self.check_owner(Some(owner)).await
    }

    /// Refuses a storage that is somebody else's, without making it anybody's.
    pub async fn check_owner(&self, owner: Option<&str>) -> Result<(), StorageError> {
        let (found, place) = match self {
            Self::Directory(directory) => (directory.owner().await?, directory.place()),
            Self::Objects(objects) => (objects.owner().await?, objects.place()),
        };
        match found {
            Some(found) if Some(found.as_str()) != owner => {
                Err(StorageError::Owned { place, found, owner: owner.unwrap_or("nobody yet").to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Takes staged bytes. When this returns they outlive a power cut, as far as the storage can promise that.
    ///
    /// The staged file is gone afterwards, or may be removed.
    pub async fn keep(&self, key: &StorageKey, staged: &StagedBlob) -> Result<(), StorageError> {
        match self {
            Self::Directory(directory) => directory.keep(key, staged).await,
            Self::Objects(objects) => objects.keep(key, staged).await,
        }
    }

    /// Streams a part of the bytes under a key; an error ends the stream where bytes are missing.
    pub async fn read(&self, key: &StorageKey, part: Range<u64>) -> Result<BlobBytes, StorageError> {
        match self {
            Self::Directory(directory) => directory.read(key, part).await,
            Self::Objects(objects) => objects.read(key, part).await,
        }
    }

    /// Removes the bytes under a key; says whether there were any.
    pub async fn remove(&self, key: &StorageKey) -> Result<bool, StorageError> {
        match self {
            Self::Directory(directory) => directory.remove(key).await,
            Self::Objects(objects) => objects.remove(key).await,
        }
    }

    /// Lists all keys with the bytes that are there, sorted; what has no key's form is passed over.
    pub async fn list(&self) -> Result<Vec<(StorageKey, u64)>, StorageError> {
        let mut keys = match self {
            Self::Directory(directory) => directory.list().await?,
            Self::Objects(objects) => objects.list().await?,
        };
        keys.sort_unstable();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests;
