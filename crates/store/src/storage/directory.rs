//! Blobs in a folder, a file for each key.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use futures_util::StreamExt as _;
use futures_util::stream::try_unfold;
use tokio::task::spawn_blocking;

use super::{BlobBytes, OWNER, OWNER_BYTES_MAX, StorageError, StorageKey};
use crate::blobs::{ALGORITHMS, BlobError, Durability, files, sync_folder};
use crate::staging::StagedBlob;

/// Bytes that one read of a blob fetches: large enough for the disk, small enough for many readers at once.
const READ_BYTES: usize = 256 << 10;

/// A folder with `sha256/<hex>.<upload>` and `sha512/<hex>.<upload>`. Several processes may use one at a time.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
    durability: Durability,
}

impl Directory {
    /// Opens a folder; folders that are missing are made. It must be on the file system of the staged files.
    pub fn open(root: &Path, durability: Durability) -> Result<Self, BlobError> {
        for algorithm in ALGORITHMS {
            let path = root.join(algorithm);
            fs::create_dir_all(&path).map_err(BlobError::io("create folder", &path))?;
        }
        Ok(Self { root: root.to_owned(), durability })
    }

    /// Notes an owner where there is none.
    pub(super) async fn claim(&self, owner: &str) -> Result<(), StorageError> {
        let (path, own) = (self.root.join(OWNER), self.root.join(format!("{OWNER}-{owner}")));
        let owner = owner.to_owned();
        blocking(move || {
            if !path.exists() {
                // A link appears whole, and only where no other was faster.
                fs::write(&own, &owner).map_err(BlobError::io("write", &own))?;
                let linked = fs::hard_link(&own, &path);
                fs::remove_file(&own).map_err(BlobError::io("remove", &own))?;
                match linked {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(BlobError::io("write", &path)(error).into());
                    }
                    _ => sync_folder(&path)?,
                }
            }
            Ok(())
        })
        .await
    }

    /// Returns the owner that is noted, if there is one.
    pub(super) async fn owner(&self) -> Result<Option<String>, StorageError> {
        let path = self.root.join(OWNER);
        blocking(move || {
            let mut found = String::new();
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file.map_err(BlobError::io("open", &path))?,
            };
            file.take(OWNER_BYTES_MAX).read_to_string(&mut found).map_err(BlobError::io("read", &path))?;
            Ok(Some(found))
        })
        .await
    }

    pub(super) fn place(&self) -> String {
        format!("folder `{}`", self.root.display())
    }

    pub(super) async fn keep(&self, key: &StorageKey, staged: &StagedBlob) -> Result<(), StorageError> {
        let (from, to) = (staged.path().to_owned(), self.path(key));
        // A second handle of the same file, because the work outlives a dropped request.
        let file = staged.reader()?.ok_or_else(|| unstaged(&from))?;
        let durability = self.durability;
        blocking(move || {
            if durability == Durability::Synced {
                file.sync_all().map_err(BlobError::io("sync", &from))?;
            }
            match fs::rename(&from, &to) {
                Ok(()) if durability == Durability::Synced => Ok(sync_folder(&to)?),
                Ok(()) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unstaged(&from)),
                Err(error) => Err(BlobError::io("rename to", &to)(error).into()),
            }
        })
        .await
    }

    pub(super) async fn read(&self, key: &StorageKey, part: Range<u64>) -> Result<BlobBytes, StorageError> {
        let (path, missing) = (self.path(key), key.clone());
        let file = blocking(move || {
            let mut file = File::open(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StorageError::Missing(missing),
                _ => BlobError::io("open", &path)(error).into(),
            })?;
            file.seek(SeekFrom::Start(part.start)).map_err(BlobError::io("read", &path))?;
            Ok(file.take(part.end - part.start))
        });
        let stream = try_unfold(file.await?, async |mut file| {
            if file.limit() == 0 {
                return Ok(None);
            }
            let read = spawn_blocking(move || {
                let mut bytes = BytesMut::zeroed(READ_BYTES.min(file.limit() as usize));
                let count = file.read(&mut bytes)?;
                bytes.truncate(count);
                Ok::<_, io::Error>((bytes.freeze(), file))
            });
            let (bytes, file) = read.await??;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Some((bytes, file)))
        });
        Ok(stream.boxed())
    }

    pub(super) async fn remove(&self, key: &StorageKey) -> Result<bool, StorageError> {
        let path = self.path(key);
        blocking(move || match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(BlobError::io("remove", &path)(error).into()),
        })
        .await
    }

    pub(super) async fn list(&self) -> Result<Vec<(StorageKey, u64)>, StorageError> {
        let root = self.root.clone();
        blocking(move || {
            let mut keys = Vec::new();
            for algorithm in ALGORITHMS {
                for (name, path) in files(&root.join(algorithm))? {
                    let key = StorageKey::parse(&format!("{algorithm}/{name}"));
                    // A file that goes while the folder is read is not there.
                    if let (Some(key), Ok(metadata)) = (key, fs::metadata(&path)) {
                        keys.push((key, metadata.len()));
                    }
                }
            }
            Ok(keys)
        })
        .await
    }

    fn path(&self, key: &StorageKey) -> PathBuf {
        self.root.join(key.as_str())
    }
}

fn unstaged(path: &Path) -> StorageError {
    let id = path.file_name().unwrap_or_default();
    StorageError::Unstaged(id.to_string_lossy().into_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    spawn_blocking(work).await.map_err(|stopped| StorageError::Interrupted(stopped.into()))?
}
