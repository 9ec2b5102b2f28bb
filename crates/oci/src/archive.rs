//! Members of a tar archive, read once from front to back.
//!
//! Follows [POSIX pax](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13) and the GNU
//! long-name members. Where tar readers disagree about bytes, a container runtime could see another archive than
//! Temper does, so such archives are refused instead of guessed: repeated extensions, sparse files, a lone zero block,
//! content after a header that has none.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use tar::Header;

use crate::archive::pax::PaxRecords;
use crate::scan::{ScanError, ScanLimits, check_limit};
use crate::{Digest, DigestHasher};

mod pax;

const BLOCK: u64 = 512;
const READ_BUFFER_BYTES: usize = 64 * 1024;

/// One member, with every extension before it applied.
#[derive(Debug)]
pub(crate) struct Member {
    /// Name as written.
    pub(crate) path: Vec<u8>,
    /// Link text as written, empty where there is none.
    pub(crate) link: Vec<u8>,
    /// The header's type flag.
    pub(crate) type_flag: u8,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: i64,
    pub(crate) device: (u32, u32),
    pub(crate) size_bytes: u64,
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

impl Member {
    /// Returns the path for messages.
    pub(crate) fn path_lossy(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// What stands before a member and belongs to it.
#[derive(Default)]
struct Extensions {
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<PaxRecords>,
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.long_path.is_none() && self.long_link.is_none() && self.pax.is_none()
    }
}

/// Reads members in order while the whole stream is counted, bounded and, if wanted, hashed.
pub(crate) struct ArchiveReader<'a, R> {
    reader: BufReader<R>,
    hasher: Option<DigestHasher>,
    offset: u64,
    /// Bytes of the current member's content that are not read yet.
    remaining: u64,
    /// Zero bytes between that content and the next header.
    padding: u64,
    members: u64,
    limits: &'a ScanLimits,
}

impl<'a, R: Read> ArchiveReader<'a, R> {
    /// Starts to read an archive and to digest its bytes.
    pub(crate) fn hashing(reader: R, limits: &'a ScanLimits) -> Self {
        Self { hasher: Some(DigestHasher::sha256()), ..Self::new(reader, limits) }
    }

    /// Starts to read an archive whose digest nobody needs.
    pub(crate) fn new(reader: R, limits: &'a ScanLimits) -> Self {
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
        Self { reader, hasher: None, offset: 0, remaining: 0, padding: 0, members: 0, limits }
    }

    /// Returns the next member, or nothing at the end of the archive; unread content is passed over.
    pub(crate) fn next_member(&mut self) -> Result<Option<Member>, ScanError> {
        let mut extensions = Extensions::default();
        while let Some(header) = self.next_header()? {
            let size = self.number(header.entry_size(), "size")?;
            match header.as_bytes()[156] {
                b'L' => self.long_name(size, &mut extensions.long_path)?,
                b'K' => self.long_name(size, &mut extensions.long_link)?,
                b'x' => {
                    let records = self.pax(size)?;
                    if extensions.pax.replace(records).is_some() {
                        return Err(ScanError::RepeatedExtension { offset: self.offset });
                    }
                }
                b'g' => self.pax(size)?.check_global(self.offset)?,
                _ => return self.member(&header, size, extensions).map(Some),
            }
        }
        if extensions.is_empty() { Ok(None) } else { Err(ScanError::Truncated { offset: self.offset }) }
    }

    /// Fills `buffer` from the current member's content; fewer bytes mean its end.
    pub(crate) fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, ScanError> {
        let want = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        self.read_exact(&mut buffer[..want])?;
        self.remaining -= want as u64;
        Ok(want)
    }

    /// Reads to the end of the stream; returns its length in bytes and the digest if one was wanted.
    pub(crate) fn finish(mut self) -> Result<(u64, Option<Digest>), ScanError> {
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        while self.read_some(&mut buffer)? > 0 {}
        Ok((self.offset, self.hasher.map(DigestHasher::finish)))
    }

    /// Reads the next header block; nothing at two zero blocks or at the end of the stream.
    fn next_header(&mut self) -> Result<Option<Header>, ScanError> {
        self.skip()?;
        let Some(block) = self.read_block()? else { return Ok(None) };
        if block == [0; BLOCK as usize] {
            return match self.read_block()? {
                None => Ok(None),
                Some(second) if second == [0; BLOCK as usize] => Ok(None),
                Some(_) => Err(ScanError::LoneZeroBlock { offset: self.offset - 2 * BLOCK }),
            };
        }
        let header = Header::from_byte_slice(&block).clone();
        if !checksum_agrees(&header) {
            return Err(ScanError::Checksum { offset: self.offset - BLOCK });
        }
        Ok(Some(header))
    }

    fn member(
        &mut self,
        header: &Header,
        header_size: u64,
        extensions: Extensions,
    ) -> Result<Member, ScanError> {
        self.members += 1;
        check_limit("entries_max", self.members, self.limits.entries_max, self.offset)?;
        let pax = extensions.pax.unwrap_or_default();
        let path = extensions.long_path.or_else(|| pax.bytes("path"));
        let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
        if pax.is_sparse() || header.as_bytes()[156] == b'S' {
            return Err(ScanError::Sparse { path: String::from_utf8_lossy(&path).into_owned() });
        }
        let link = extensions.long_link.or_else(|| pax.bytes("linkpath"));
        let offset = self.offset;
        let member = Member {
            path,
            link: link.unwrap_or_else(|| header.link_name_bytes().map(Into::into).unwrap_or_default()),
            type_flag: header.as_bytes()[156],
            mode: self.number(header.mode(), "mode")? & 0o7777,
            uid: pax.number("uid", offset)?.map_or_else(|| self.number(header.uid(), "uid"), Ok)?,
            gid: pax.number("gid", offset)?.map_or_else(|| self.number(header.gid(), "gid"), Ok)?,
            mtime: pax
                .seconds("mtime", offset)?
                // A base-256 time before 1970 is a two's complement number.
                .map_or_else(|| self.number(header.mtime(), "mtime").map(u64::cast_signed), Ok)?,
            device: self.device(header)?,
            size_bytes: pax.number("size", offset)?.unwrap_or(header_size),
            xattrs: pax.xattrs(),
        };
        self.expect_content(member.size_bytes);
        Ok(member)
    }

    fn device(&self, header: &Header) -> Result<(u32, u32), ScanError> {
        if !matches!(header.as_bytes()[156], b'3' | b'4') {
            return Ok((0, 0));
        }
        let major = self.number(header.device_major(), "device major")?;
        let minor = self.number(header.device_minor(), "device minor")?;
        Ok((major.unwrap_or(0), minor.unwrap_or(0)))
    }

    fn number<T>(&self, value: io::Result<T>, field: &'static str) -> Result<T, ScanError> {
        value.map_err(|_| ScanError::Number { offset: self.offset, field })
    }

    fn long_name(&mut self, size: u64, slot: &mut Option<Vec<u8>>) -> Result<(), ScanError> {
        let mut name = self.extension(size)?;
        while name.last() == Some(&0) {
            name.pop();
        }
        match slot.replace(name) {
            None => Ok(()),
            Some(_) => Err(ScanError::RepeatedExtension { offset: self.offset }),
        }
    }

    fn pax(&mut self, size: u64) -> Result<PaxRecords, ScanError> {
        let offset = self.offset;
        PaxRecords::parse(&self.extension(size)?).ok_or(ScanError::Extension { offset })
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, ScanError> {
        check_limit("extension_bytes_max", size, self.limits.extension_bytes_max, self.offset)?;
        self.expect_content(size);
        let mut bytes = vec![0; size as usize];
        self.read_content(&mut bytes)?;
        Ok(bytes)
    }

    fn expect_content(&mut self, size: u64) {
        self.remaining = size;
        self.padding = (BLOCK - size % BLOCK) % BLOCK;
    }

    fn skip(&mut self) -> Result<(), ScanError> {
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        while self.remaining > 0 {
            self.read_content(&mut buffer)?;
        }
        let padding = std::mem::take(&mut self.padding) as usize;
        // Some tools (umoci 0.4) end a layer right behind its last content; no reader minds.
        match self.read_some(&mut buffer[..padding])? {
            0 => Ok(()),
            read => self.read_exact(&mut buffer[read..padding]),
        }
    }

    fn read_block(&mut self) -> Result<Option<[u8; BLOCK as usize]>, ScanError> {
        let mut block = [0; BLOCK as usize];
        match self.read_some(&mut block)? {
            0 => Ok(None),
            read => {
                self.read_exact(&mut block[read..])?;
                Ok(Some(block))
            }
        }
    }

    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), ScanError> {
        while !buffer.is_empty() {
            match self.read_some(buffer)? {
                0 => return Err(ScanError::Truncated { offset: self.offset }),
                read => buffer = &mut buffer[read..],
            }
        }
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, ScanError> {
        let read = loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result.map_err(ScanError::Read)?,
            }
        };
        self.offset += read as u64;
        let max = self.limits.uncompressed_bytes_max;
        check_limit("uncompressed_bytes_max", self.offset, max, self.offset)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// The sum over a header may be of unsigned or, in archives of old tools, of signed bytes.
fn checksum_agrees(header: &Header) -> bool {
    let Ok(expected) = header.cksum() else { return false };
    let spaces = 8 * i64::from(b' ');
    let bytes = || header.as_bytes()[..148].iter().chain(&header.as_bytes()[156..]);
    let unsigned = spaces + bytes().map(|byte| i64::from(*byte)).sum::<i64>();
    let signed = spaces + bytes().map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
    i64::from(expected) == unsigned || i64::from(expected) == signed
}
