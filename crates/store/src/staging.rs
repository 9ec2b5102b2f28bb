//! Staging: blobs on their way in, as files beside the storage.
//!
//! What has arrived outlives the process, so an upload goes on after a crash where the disk says that it is. Nothing
//! here is visible to anybody. A writer holds a lock on its file, so that of two processes over one folder only one
//! writes and hashes it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use temper_oci::{Digest, DigestHasher};

use crate::blobs::{BlobError, check, digest_again, files};

/// A folder of blobs that arrive, each under the id of its upload.
#[derive(Clone, Debug)]
pub struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// Opens a folder; it is made where it is missing.
    pub fn open(folder: &Path) -> Result<Self, BlobError> {
        fs::create_dir_all(folder).map_err(BlobError::io("create folder", folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Begins an empty blob. The id is a plain word of the caller's making.
    pub fn create(&self, id: &str) -> Result<StagedBlob, BlobError> {
        let path = self.folder.join(id);
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(BlobError::io("create", &path))?;
        lock(&file, &path)?;
        Ok(StagedBlob { path, file, state: State::Arriving(DigestHasher::sha256()), size_bytes: 0 })
    }

    /// Takes up a blob that an earlier process began, if its bytes are there. Reads all of them.
    ///
    /// While somebody else holds it this is [`BlobError::Busy`].
    pub fn resume(&self, id: &str) -> Result<Option<StagedBlob>, BlobError> {
        let path = self.folder.join(id);
        let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BlobError::io("open", &path)(error)),
        };
        lock(&file, &path)?;
        if !is_still_at(&file, &path)? {
            // Who held it before has made it a blob, or removed it.
            return Ok(None);
        }
        let mut hasher = DigestHasher::sha256();
        let size_bytes = io::copy(&mut file, &mut hasher).map_err(BlobError::io("read", &path))?;
        Ok(Some(StagedBlob { path, file, state: State::Arriving(hasher), size_bytes }))
    }

    /// Takes a whole file of a known digest without copying it where the file system allows that.
    ///
    /// Neither this nor the file may be written to afterwards.
    pub fn adopt(&self, id: &str, digest: Digest, source: &Path) -> Result<StagedBlob, BlobError> {
        let path = self.folder.join(id);
        if fs::hard_link(source, &path).is_err() {
            fs::copy(source, &path).map_err(BlobError::io("copy", source))?;
        }
        let file = File::open(&path).map_err(BlobError::io("open", &path))?;
        let size_bytes = file.metadata().map_err(BlobError::io("look at", &path))?.len();
        Ok(StagedBlob { path, file, state: State::Whole(digest), size_bytes })
    }

    /// Removes what has arrived of an upload; harmless where nothing has.
    pub fn remove(&self, id: &str) -> Result<(), BlobError> {
        let path = self.folder.join(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Lists the ids of all blobs that arrive, with the bytes that are there; sorted.
    pub fn list(&self) -> Result<Vec<(String, u64)>, BlobError> {
        let mut staged: Vec<_> = files(&self.folder)?
            .into_iter()
            // A file that goes while the folder is read has ended.
            .filter_map(|(id, path)| Some((id, fs::metadata(path).ok()?.len())))
            .collect();
        staged.sort_unstable();
        Ok(staged)
    }
}

/// A blob that is arriving. Dropped, it stays where it is.
#[derive(Debug)]
pub struct StagedBlob {
    path: PathBuf,
    file: File,
    state: State,
    size_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// More may be written.
    Arriving(DigestHasher),
    /// The digest of all bytes is known.
    Whole(Digest),
}

impl StagedBlob {
    /// Returns how many bytes have arrived.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Adds bytes at the end. After an error those that reached the file count as arrived, and more may follow.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let State::Arriving(hasher) = &mut self.state else {
            let ended = io::Error::other("the upload has ended");
            return Err(BlobError::io("write", &self.path)(ended));
        };
        let size_bytes = &mut self.size_bytes;
        let written = write_counted(&mut self.file, bytes, |written| {
            hasher.update(written);
            *size_bytes += written.len() as u64;
        });
        written.map_err(BlobError::io("write", &self.path))
    }

    /// Takes back what was added beyond `size_bytes`. Reads all that stays.
    ///
    /// After an error the blob is of no use any more: it must be taken up again from its file.
    pub fn truncate(&mut self, size_bytes: u64) -> Result<(), BlobError> {
        self.file.set_len(size_bytes).map_err(BlobError::io("shorten", &self.path))?;
        let mut hasher = DigestHasher::sha256();
        let read = File::open(&self.path).and_then(|mut file| io::copy(&mut file, &mut hasher));
        self.size_bytes = read.map_err(BlobError::io("read", &self.path))?;
        self.state = State::Arriving(hasher);
        Ok(())
    }

    /// Compares the digest of all bytes with the expected one; nothing can be added afterwards.
    pub fn verify(&mut self, expected: Digest) -> Result<(), BlobError> {
        let metadata = self.file.metadata().map_err(BlobError::io("look at", &self.path))?;
        self.check_length(&metadata)?;
        let digest = match &mut self.state {
            State::Arriving(hasher) if expected.algorithm() == "sha256" => {
                std::mem::replace(hasher, DigestHasher::sha256()).finish()
            }
            State::Whole(digest) if digest.algorithm() == expected.algorithm() => *digest,
            _ => digest_again(&self.path, expected.hasher())?,
        };
        self.state = State::Whole(digest);
        check(expected, digest)
    }

    /// Reads all bytes and compares their digest with the expected one, whatever is known of it.
    pub fn verify_again(&self, expected: Digest) -> Result<(), BlobError> {
        check(expected, digest_again(&self.path, expected.hasher())?)
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file a second time; `None` where it was removed meanwhile.
    pub(crate) fn reader(&self) -> Result<Option<File>, BlobError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BlobError::io("open", &self.path)(error)),
        };
        self.check_length(&file.metadata().map_err(BlobError::io("look at", &self.path))?)?;
        Ok(Some(file))
    }

    /// Refuses a file whose bytes are not just those that were hashed.
    fn check_length(&self, metadata: &Metadata) -> Result<(), BlobError> {
        let (path, written, actual) = (self.path.clone(), self.size_bytes, metadata.len());
        if written == actual { Ok(()) } else { Err(BlobError::Changed { path, written, actual }) }
    }
}

/// Takes the right to write a file until its last handle is closed, also by the end of the process.
fn lock(file: &File, path: &Path) -> Result<(), BlobError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(BlobError::Busy(path.to_owned())),
        // Where a file system knows no locks, the operator runs one process.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Says whether an open file has its name still.
fn is_still_at(file: &File, path: &Path) -> Result<bool, BlobError> {
    let failed = BlobError::io("look at", path);
    let open = match file.metadata() {
        Ok(open) => open,
        Err(error) => return Err(failed(error)),
    };
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Writes bytes and tells of each part that the file took, so that a write that fails in the middle is counted.
fn write_counted(file: &mut impl Write, mut bytes: &[u8], mut took: impl FnMut(&[u8])) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                took(&bytes[..count]);
                bytes = &bytes[count..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with little room, whose last write is short.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room - self.bytes.len());
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_took_counts() {
        let mut disk = Disk { bytes: Vec::new(), room: 5 };
        let mut hashed = Vec::new();
        write_counted(&mut disk, b"abc", |took| hashed.extend_from_slice(took)).expect("fits");
        let full = write_counted(&mut disk, b"defg", |took| hashed.extend_from_slice(took));
        assert_eq!(full.expect_err("is full").kind(), io::ErrorKind::StorageFull);
        disk.room = 9;
        write_counted(&mut disk, b"fg", |took| hashed.extend_from_slice(took)).expect("has room again");
        assert_eq!(disk.bytes, b"abcdefg");
        assert_eq!(hashed, disk.bytes, "what is on the disk and nothing else is hashed");
    }
}
