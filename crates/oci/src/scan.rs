//! One pass over an uncompressed archive: its records, its digest, and what composition needs to know of contents.
//!
//! Follows the [OCI image specification, "Image Layer Filesystem Changeset"](https://github.com/opencontainers/image-spec/blob/main/layer.md).

use std::io::{self, Read};
use std::sync::Arc;

use crate::archive::{ArchiveReader, Member};
use crate::{Digest, Facts, LayerIndex, Record};

mod content;
mod elf;
mod error;
mod kept;
mod limits;
mod name;

pub use error::{PathProblem, ScanError};
pub use kept::{is_kept, kept_bytes_max};
pub use limits::ScanLimits;

pub(crate) use limits::check_limit;

use content::ContentScanner;
use name::{Name, entry_of, name_of};

/// Which rules an archive follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanMode {
    /// An image layer: `.wh.` names remove what lies below, device nodes stand.
    Layer,
    /// The files of a package: `.wh.` names, device nodes and newlines in names are refused.
    Package,
}

/// What one pass over an archive learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// What the archive holds, in its order; the root directory itself is left out.
    pub records: Vec<Record>,
    /// What is known of file contents.
    pub facts: Facts,
    /// Length of the archive in bytes.
    pub uncompressed_size_bytes: u64,
    /// Digest of the archive.
    pub diff_id: Digest,
}

impl From<Scan> for LayerIndex {
    fn from(scan: Scan) -> Self {
        Self {
            diff_id: scan.diff_id,
            uncompressed_size_bytes: scan.uncompressed_size_bytes,
            records: scan.records,
            facts: Arc::new(scan.facts),
        }
    }
}

/// Reads an uncompressed archive once and returns everything that is known of it.
///
/// The whole stream is read and digested, also what follows the end of the archive.
pub fn scan_tar(reader: impl Read, mode: ScanMode, limits: &ScanLimits) -> Result<Scan, ScanError> {
    let mut archive = ArchiveReader::hashing(reader, limits);
    let mut contents = ContentScanner::new(limits);
    let mut records = Vec::new();
    while let Some(member) = archive.next_member()? {
        records.extend(record(&mut archive, &mut contents, member, mode, limits)?);
    }
    let (uncompressed_size_bytes, diff_id) = archive.finish()?;
    let diff_id = diff_id.expect("a hashing reader returns a digest");
    Ok(Scan { records, facts: contents.into_facts(), uncompressed_size_bytes, diff_id })
}

fn record<R: Read>(
    archive: &mut ArchiveReader<'_, R>,
    contents: &mut ContentScanner<'_>,
    member: Member,
    mode: ScanMode,
    limits: &ScanLimits,
) -> Result<Option<Record>, ScanError> {
    Ok(match name_of(&member, mode, limits)? {
        Name::Ignored => None,
        Name::Whiteout(path) => Some(Record::Whiteout(path)),
        Name::Opaque(path) => Some(Record::Opaque(path)),
        Name::Path(path) => {
            let mut entry = entry_of(member, path, mode, limits)?;
            contents.read(archive, &mut entry)?;
            Some(Record::Entry(entry))
        }
    })
}

/// Streams the contents of the regular files whose path (in the form of [`crate::Entry::path`]) is wanted.
///
/// Files come in the archive's order; a path that the archive holds twice comes twice, the last is the one that stands.
/// Hard links are not visited: ask for the path that they name. What the sink leaves unread is passed over.
pub fn visit_files(
    reader: impl Read,
    limits: &ScanLimits,
    wanted: &dyn Fn(&str) -> bool,
    sink: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
) -> Result<(), ScanError> {
    let mut archive = ArchiveReader::new(reader, limits);
    while let Some(member) = archive.next_member()? {
        // Names are judged by the scan that made the records; here a strange one is just not wanted.
        let Ok(Name::Path(path)) = name_of(&member, ScanMode::Layer, limits) else { continue };
        if !name::is_file(&member) || !wanted(&path) {
            continue;
        }
        let visited = sink(&path, &mut ContentReader(&mut archive));
        visited.map_err(|error| match error.downcast::<ScanError>() {
            Ok(scan_error) => scan_error,
            Err(source) => ScanError::Visit { path, source },
        })?;
    }
    Ok(())
}

/// The content of one member as a reader; errors of the archive travel inside [`io::Error`].
struct ContentReader<'a, 'b, R>(&'a mut ArchiveReader<'b, R>);

impl<R: Read> Read for ContentReader<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_content(buffer).map_err(io::Error::other)
    }
}
