//! The layer writer: segments as compressed archive parts, in bytes that depend on nothing but their entries.
//!
//! A segment wants its files in the order of paths, an archive has them in its own, and archives are read as
//! streams. Wanted files that belong to the next [`BUFFER_BYTES_MAX`] of the segment are held until it is their
//! turn; a larger file goes straight through when it is next; what lies further ahead is taken by another pass. So
//! memory stays below the bound whatever the sizes. An archive in the order of paths needs one pass, another one at
//! most a pass for each bound's worth of bytes and for each larger file.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::rc::Rc;

use temper_oci::{Compression, Digest, DigestHasher, EntryKind, ScanError, ScanLimits, visit_files};

use crate::contents::{ArchiveName, Contents};
use crate::encoder::{Encoder, Measured};
use crate::mismatch::Mismatch;
use crate::segment::{Member, Segment, SegmentRecord};
use crate::tar_header;
use crate::tree::Source;

/// How many bytes of files the writer of one segment holds at most.
pub const BUFFER_BYTES_MAX: u64 = 64 * 1024 * 1024;

const COPY_BYTES: usize = 64 * 1024;

/// How segments are written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Form of the segment, part of its key.
    pub compression: Compression,
    /// Threads of zstd for one segment; they never change the bytes.
    pub workers: NonZeroU32,
    /// Bounds on the archives that are read, at least those they were indexed with.
    pub scan_limits: ScanLimits,
    /// Bytes of files to hold at most, normally [`BUFFER_BYTES_MAX`]; it never changes the bytes.
    pub buffer_bytes_max: u64,
}

impl WriteOptions {
    /// Returns the usual options for a form.
    pub fn new(compression: Compression) -> Self {
        Self {
            compression,
            workers: NonZeroU32::MIN,
            scan_limits: ScanLimits::default(),
            buffer_bytes_max: BUFFER_BYTES_MAX,
        }
    }
}

/// Why a segment could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output failed.
    #[error("the segment cannot be written")]
    Output(#[source] io::Error),
    /// An archive cannot be opened.
    #[error("{archive} cannot be opened")]
    Open {
        /// Which archive.
        archive: ArchiveName,
        /// Why.
        source: io::Error,
    },
    /// An archive cannot be read.
    #[error("{archive} cannot be read")]
    Archive {
        /// Which archive.
        archive: ArchiveName,
        /// Why.
        source: Box<ScanError>,
    },
    /// No file of the archive has the path and content that its index names.
    #[error("{archive} has no file `{member}` with the content of `/{path}`")]
    Missing {
        /// Which archive.
        archive: ArchiveName,
        /// Path in the archive.
        member: String,
        /// Path in the tree.
        path: String,
    },
    /// Bytes do not have the digest of the entry.
    #[error("content of `/{path}` has {digests}")]
    Differs {
        /// Path in the tree.
        path: String,
        /// Digest of the entry and of the bytes.
        digests: Box<Mismatch>,
    },
    /// A file without a place where its bytes are.
    #[error("file `/{0}` has no source")]
    NoSource(String),
}

/// Writes one segment: one zstd frame or gzip member that holds its entries as archive parts.
///
/// Every content is checked against its digest. After an error the output holds a part of the segment and is of no
/// use.
pub fn write_segment(
    segment: &Segment,
    contents: &dyn Contents,
    options: &WriteOptions,
    out: impl Write,
) -> Result<SegmentRecord, WriteError> {
    let encoder = Encoder::new(options.compression, options.workers, Measured::new(out));
    let mut writer = SegmentWriter::new(segment, options, encoder.map_err(WriteError::Output)?);
    let wanted = Wanted::new(&segment.members);
    while let Some((archive, member)) = writer.write_ready()? {
        let start = writer.next;
        writer.read_archive(archive, &wanted, contents)?;
        if writer.next == start {
            let path = segment.members[start].entry.path.clone();
            return Err(WriteError::Missing { archive, member, path });
        }
    }
    let (out, uncompressed_size_bytes) = writer.out.finish().map_err(WriteError::Output)?;
    let (mut out, digest, size_bytes) = out.finish();
    out.flush().map_err(WriteError::Output)?;
    Ok(SegmentRecord { key: segment.key(options.compression), digest, size_bytes, uncompressed_size_bytes })
}

/// Positions of the files of each archive, by path in it.
struct Wanted<'a>(BTreeMap<ArchiveName, BTreeMap<&'a str, Vec<usize>>>);

impl<'a> Wanted<'a> {
    fn new(members: &'a [Member]) -> Self {
        let mut wanted: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for (position, member) in members.iter().enumerate() {
            if let Some((archive, path)) = ArchiveName::of(&member.source) {
                wanted.entry(archive).or_default().entry(path).or_default().push(position);
            }
        }
        Self(wanted)
    }

    fn positions(&self, archive: ArchiveName, path: &str) -> &[usize] {
        self.0.get(&archive).and_then(|paths| paths.get(path)).map_or(&[], Vec::as_slice)
    }
}

struct SegmentWriter<'a, W: Write> {
    members: &'a [Member],
    options: &'a WriteOptions,
    out: Encoder<W>,
    /// Position of the next member to write.
    next: usize,
    /// Contents read before their turn, by position.
    held: BTreeMap<usize, Rc<Vec<u8>>>,
    /// For each position the content bytes of all members before it.
    bytes_before: Vec<u64>,
}

impl<'a, W: Write> SegmentWriter<'a, W> {
    fn new(segment: &'a Segment, options: &'a WriteOptions, out: Encoder<W>) -> Self {
        let members = segment.members.as_slice();
        let mut bytes_before = vec![0_u64];
        for (position, member) in members.iter().enumerate() {
            bytes_before.push(bytes_before[position].saturating_add(member.content_bytes()));
        }
        Self { members, options, out, next: 0, held: BTreeMap::new(), bytes_before }
    }

    /// Writes members until one needs an archive; returns that archive and the path in it, or `None` at the end.
    fn write_ready(&mut self) -> Result<Option<(ArchiveName, String)>, WriteError> {
        while let Some(member) = self.members.get(self.next) {
            match (&member.entry.kind, &member.source) {
                (EntryKind::File { digest, .. }, Source::Inline(bytes)) => {
                    check(member, *digest, Digest::of(bytes))?;
                    self.write_member(bytes)?;
                }
                (EntryKind::File { size: 1.., .. }, source) => {
                    let Some(content) = self.held.remove(&self.next) else {
                        let (archive, path) = ArchiveName::of(source)
                            .ok_or_else(|| WriteError::NoSource(member.entry.path.clone()))?;
                        return Ok(Some((archive, path.to_owned())));
                    };
                    self.write_member(&content)?;
                }
                _ => self.write_member(&[])?,
            }
        }
        Ok(None)
    }

    /// Writes the next member with its whole content.
    fn write_member(&mut self, content: &[u8]) -> Result<(), WriteError> {
        self.write_header()?;
        self.out.write_all(content).map_err(WriteError::Output)?;
        self.write_padding()
    }

    fn write_header(&mut self) -> Result<(), WriteError> {
        let mut header = Vec::with_capacity(tar_header::BLOCK_BYTES);
        tar_header::append_header(&self.members[self.next].entry, &mut header);
        self.out.write_all(&header).map_err(WriteError::Output)
    }

    fn write_padding(&mut self) -> Result<(), WriteError> {
        let size = tar_header::padding(self.members[self.next].content_bytes());
        self.next += 1;
        self.out.write_all(&[0; tar_header::BLOCK_BYTES][..size]).map_err(WriteError::Output)
    }

    /// Takes from an archive what is next and what fits.
    fn read_archive(
        &mut self,
        archive: ArchiveName,
        wanted: &Wanted<'_>,
        contents: &dyn Contents,
    ) -> Result<(), WriteError> {
        let reader = contents.open(archive).map_err(|source| WriteError::Open { archive, source })?;
        let mut failure = None;
        let visited = visit_files(
            reader,
            &self.options.scan_limits,
            &|path| !wanted.positions(archive, path).is_empty(),
            &mut |path, content| {
                let taken = self.take(wanted.positions(archive, path), content);
                taken.map_err(|error| match error {
                    Failure::Read(error) => error,
                    Failure::Write(error) => {
                        failure = Some(error);
                        io::ErrorKind::Other.into()
                    }
                })
            },
        );
        match (failure, visited) {
            (Some(failure), _) => Err(failure),
            (None, visited) => {
                visited.map_err(|source| WriteError::Archive { archive, source: Box::new(source) })
            }
        }
    }

    /// Writes, holds or passes over a file that these positions want.
    fn take(&mut self, positions: &[usize], content: &mut dyn Read) -> Result<(), Failure> {
        let positions: Vec<usize> =
            positions.iter().copied().filter(|position| self.is_within_reach(*position)).collect();
        let Some(first) = positions.first() else { return Ok(()) };
        let size = self.members[*first].content_bytes();
        if size > self.options.buffer_bytes_max {
            return self.copy(content);
        }
        let mut bytes = Vec::with_capacity(size as usize);
        content.take(size + 1).read_to_end(&mut bytes).map_err(Failure::Read)?;
        let (digest, bytes) = (Digest::of(&bytes), Rc::new(bytes));
        for position in positions {
            if matches!(self.members[position].entry.kind, EntryKind::File { digest: it, .. } if it == digest)
            {
                self.held.insert(position, Rc::clone(&bytes));
            }
        }
        self.write_ready().map(drop).map_err(Failure::Write)
    }

    /// Whether the file at this position can be written now, or held within the bound until its turn.
    fn is_within_reach(&self, position: usize) -> bool {
        let is_near = || {
            let ahead = self.bytes_before[position + 1] - self.bytes_before[self.next];
            ahead <= self.options.buffer_bytes_max
        };
        position == self.next || (position > self.next && !self.held.contains_key(&position) && is_near())
    }

    /// Writes the next member straight from the archive.
    fn copy(&mut self, content: &mut dyn Read) -> Result<(), Failure> {
        self.write_header().map_err(Failure::Write)?;
        let member = &self.members[self.next];
        let mut hasher = DigestHasher::sha256();
        let mut block = vec![0; COPY_BYTES];
        let mut left = member.content_bytes();
        while left > 0 {
            let part = &mut block[..COPY_BYTES.min(left as usize)];
            content.read_exact(part).map_err(Failure::Read)?;
            hasher.update(part);
            self.out.write_all(part).map_err(|error| Failure::Write(WriteError::Output(error)))?;
            left -= part.len() as u64;
        }
        if let EntryKind::File { digest, .. } = member.entry.kind {
            check(member, digest, hasher.finish()).map_err(Failure::Write)?;
        }
        self.write_padding().and_then(|()| self.write_ready()).map(drop).map_err(Failure::Write)
    }
}

/// Which side of a transfer failed.
enum Failure {
    Read(io::Error),
    Write(WriteError),
}

fn check(member: &Member, expected: Digest, found: Digest) -> Result<(), WriteError> {
    if expected == found {
        return Ok(());
    }
    let digests = Box::new(Mismatch { expected, found });
    Err(WriteError::Differs { path: member.entry.path.clone(), digests })
}

#[cfg(test)]
mod tests;
