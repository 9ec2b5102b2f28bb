//! Blobs on disk, each under its digest.
//!
//! Folders follow the [OCI image layout, "Blobs"](https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs):
//! `blobs/<algorithm>/<hex>`. A blob is written beside its place, digested on the way, and renamed when it is whole:
//! what is visible is complete and has its digest.

mod incoming;

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use temper_oci::validate::BlobSource;
use temper_oci::{Digest, DigestHasher};
use tempfile::NamedTempFile;

pub(crate) use incoming::sweep;

pub(crate) const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];

/// Whether what is written must outlive a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Files and folders are synced before a write returns.
    Synced,
    /// The operating system writes when it likes: enough for what can be computed again.
    Relaxed,
}

/// Why a blob cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The file system said no.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The blob is not there.
    #[error("blob `{0}` is missing")]
    Missing(Digest),
    /// The bytes have another digest.
    #[error("blob has the digest `{actual}`, not `{expected}`")]
    Digest {
        /// What was wanted.
        expected: Box<Digest>,
        /// What came.
        actual: Box<Digest>,
    },
    /// Another process, or another handle of this one, is writing the same file.
    #[error("`{}` is being written by somebody else", .0.display())]
    Busy(PathBuf),
    /// A file is not as it was left.
    #[error("`{}` holds {actual} bytes, of which {written} were written here", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// Bytes that were written.
        written: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// The blob is too long to be read into memory.
    #[error("blob `{digest}` has {size_bytes} bytes, more than {max}")]
    Length {
        /// Which blob.
        digest: Digest,
        /// Its length.
        size_bytes: u64,
        /// The caller's limit.
        max: u64,
    },
}

/// Says whether there was no room, or none for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl BlobError {
    /// Says whether there is no room on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_full(source))
    }

    /// Returns what the user or the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let Self::Io { action, path, source } = self else { return None };
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("make room, or use a folder on another disk; what is complete is kept".to_owned())
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(format!("check who may {action} `{}`", path.display()))
            }
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// A folder of blobs. Several processes may use one at a time.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: PathBuf,
    durability: Durability,
}

impl Blobs {
    /// Opens the folder `blobs` in `directory`; folders that are missing are made.
    pub fn open(directory: &Path, durability: Durability) -> Result<Self, BlobError> {
        let root = directory.join("blobs");
        for algorithm in ALGORITHMS {
            let path = root.join(algorithm);
            fs::create_dir_all(&path).map_err(BlobError::io("create folder", &path))?;
        }
        Ok(Self { root, durability })
    }

    /// Returns the length in bytes of a blob, if it is there.
    pub fn contains(&self, digest: &Digest) -> Option<u64> {
        let metadata = fs::metadata(self.path(digest)).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Returns the file of a blob, if it is there. It must not be written to.
    pub fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.contains(digest).map(|_| self.path(digest))
    }

    /// Opens a blob. Its bytes had their digest when they were written.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, BlobError> {
        let path = self.path(digest);
        File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(*digest),
            _ => BlobError::Io { action: "open", path, source },
        })
    }

    /// Reads a blob of at most `max` bytes into memory and checks its digest again.
    pub fn read(&self, digest: &Digest, max: u64) -> Result<Vec<u8>, BlobError> {
        let file = self.open_blob(digest)?;
        let failed = BlobError::io("read", &self.path(digest));
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > max {
            return Err(BlobError::Length { digest: *digest, size_bytes: bytes.len() as u64, max });
        }
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        check(*digest, hasher.finish()).map(|()| bytes)
    }

    /// Starts a new blob.
    pub fn create(&self) -> Result<BlobWriter, BlobError> {
        let file = incoming::create(&self.root)?;
        Ok(BlobWriter { blobs: self.clone(), file, hasher: DigestHasher::sha256(), size_bytes: 0 })
    }

    /// Writes a whole blob; nothing is written where it already is.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = Digest::of(bytes);
        if self.contains(&digest) == Some(bytes.len() as u64) {
            return Ok(digest);
        }
        let mut writer = self.create()?;
        let failed = BlobError::io("write", writer.file.path());
        writer.write_all(bytes).map_err(failed)?;
        writer.commit(Some(digest)).map(|(digest, _)| digest)
    }

    /// Removes a blob; says whether it was there.
    pub fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(BlobError::Io { action: "remove", path, source }),
        }
    }

    /// Lists all blobs with their lengths in bytes, sorted; files that are no blobs are passed over.
    pub fn list(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        let mut blobs = Vec::new();
        for algorithm in ALGORITHMS {
            let folder = self.root.join(algorithm);
            for (name, path) in files(&folder)? {
                if let Ok(digest) = format!("{algorithm}:{name}").parse() {
                    let metadata = fs::metadata(&path).map_err(BlobError::io("look at", &path))?;
                    blobs.push((digest, metadata.len()));
                }
            }
        }
        blobs.sort_unstable();
        Ok(blobs)
    }

    /// Removes what writers that died before `before` left; returns how many files that were.
    ///
    /// A file that a living process writes stays, however long ago it wrote to it last.
    pub fn sweep(&self, before: SystemTime) -> Result<usize, BlobError> {
        incoming::sweep(&self.root, before)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.algorithm()).join(digest.hex())
    }
}

impl BlobSource for Blobs {
    fn open(&self, digest: &Digest) -> io::Result<Option<Box<dyn Read + Send + '_>>> {
        match self.open_blob(digest) {
            Ok(file) => Ok(Some(Box::new(BufReader::new(file)))),
            Err(BlobError::Missing(_)) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// A blob that is being written; dropped without a commit it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    file: NamedTempFile,
    hasher: DigestHasher,
    size_bytes: u64,
}

impl BlobWriter {
    /// Makes the blob visible under its digest, or under the expected one, which must agree.
    ///
    /// Returns the digest and the length in bytes.
    pub fn commit(mut self, expected: Option<Digest>) -> Result<(Digest, u64), BlobError> {
        let written = self.file.path().to_owned();
        self.file.flush().map_err(BlobError::io("write", &written))?;
        let digest = match expected {
            Some(expected) if expected.algorithm() != "sha256" => digest_again(&written, expected.hasher())?,
            _ => self.hasher.finish(),
        };
        check(expected.unwrap_or(digest), digest)?;
        let path = self.blobs.path(&digest);
        if self.blobs.durability == Durability::Synced {
            self.file.as_file().sync_all().map_err(BlobError::io("sync", &written))?;
        }
        self.file.persist(&path).map_err(|failed| BlobError::io("rename to", &path)(failed.error))?;
        if self.blobs.durability == Durability::Synced {
            sync_folder(&path)?;
        }
        Ok((digest, self.size_bytes))
    }

    /// Returns how many bytes were written so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.as_file_mut().write(bytes);
        let written = written.map_err(|source| {
            // The kind stays what it is, so that a full disk is known as one through all readers and encoders.
            io::Error::new(source.kind(), BlobError::io("write", self.file.path())(source))
        })?;
        self.hasher.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(crate) fn check(expected: Digest, actual: Digest) -> Result<(), BlobError> {
    if expected == actual {
        return Ok(());
    }
    Err(BlobError::Digest { expected: expected.into(), actual: actual.into() })
}

pub(crate) fn digest_again(path: &Path, mut hasher: DigestHasher) -> Result<Digest, BlobError> {
    let mut file = File::open(path).map_err(BlobError::io("open", path))?;
    io::copy(&mut file, &mut hasher).map_err(BlobError::io("read", path))?;
    Ok(hasher.finish())
}

/// Writes a file beside its place and renames it, so that readers see the old or the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), BlobError> {
    replace_file_from(path.parent().unwrap_or(Path::new(".")), path, bytes, durability)
}

/// Writes a file in `folder`, which is on the same file system, and renames it to its place.
pub(crate) fn replace_file_from(
    folder: &Path,
    path: &Path,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), BlobError> {
    let mut file = incoming::create(folder)?;
    let written = file.path().to_owned();
    file.as_file_mut().write_all(bytes).map_err(BlobError::io("write", &written))?;
    if durability == Durability::Synced {
        file.as_file().sync_all().map_err(BlobError::io("sync", &written))?;
    }
    file.persist(path).map_err(|failed| BlobError::io("rename to", path)(failed.error))?;
    if durability == Durability::Synced { sync_folder(path) } else { Ok(()) }
}

/// Makes a rename to `path` durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), BlobError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BlobError::io("sync", folder))
}

/// Lists the regular files of a folder with their names, where these are UTF-8.
pub(crate) fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, BlobError> {
    let failed = || BlobError::io("list", folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let is_file = entry.file_type().map_err(failed())?.is_file();
        if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
            files.push((name, entry.path()));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
