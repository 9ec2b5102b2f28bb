//! Where the writer gets the bytes of files: archives, each read from front to back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use temper_oci::Digest;

use crate::tree::Source;

/// The name of an archive that holds files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchiveName {
    /// A layer blob, by the digest of its compressed bytes.
    Layer(Digest),
    /// The data member of a package file, by the package file's digest.
    Package(Digest),
}

impl ArchiveName {
    /// Splits a source into the archive and the path in it; `None` where the bytes are in no archive.
    pub fn of(source: &Source) -> Option<(Self, &str)> {
        match source {
            Source::None | Source::Inline(_) => None,
            Source::Layer { blob, member } => Some((Self::Layer(*blob), member)),
            Source::Package { archive, member } => Some((Self::Package(*archive), member)),
        }
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(digest) => write!(f, "layer {digest}"),
            Self::Package(digest) => write!(f, "package {digest}"),
        }
    }
}

/// Opens archives; the same name always gives the same bytes.
pub trait Contents: Sync {
    /// Opens the uncompressed archive at its first byte.
    fn open(&self, archive: ArchiveName) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// Archives that are all in memory.
impl<B: AsRef<[u8]> + Sync> Contents for BTreeMap<ArchiveName, B> {
    fn open(&self, archive: ArchiveName) -> io::Result<Box<dyn Read + Send + '_>> {
        let bytes = self.get(&archive).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_ref()))
    }
}

/// No archive at all, for segments whose files are all inline.
impl Contents for () {
    fn open(&self, _: ArchiveName) -> io::Result<Box<dyn Read + Send + '_>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
