//! The outer container of a package: an `ar` archive read once, front to back.
//!
//! Follows [deb(5)](https://manpages.debian.org/deb.5): the common form of [ar(5)](https://manpages.debian.org/ar.5)
//! with short names only. Extended names, which packages never have, show up as unexpected members.

use std::io::{self, ErrorKind, Read};

use super::PackageError;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER_END: &[u8; 2] = b"`\n";

/// What a member's header says.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Size in bytes as stored, compressed or not.
    pub(super) size: u64,
}

/// The archive; as a reader it gives the content of the current member.
pub(super) struct Container<R> {
    reader: R,
    /// Name of the current member, for messages.
    name: String,
    /// Members begun so far.
    number: usize,
    remaining: u64,
    is_padded: bool,
}

impl<R: Read> Container<R> {
    pub(super) fn open(mut reader: R) -> Result<Self, PackageError> {
        let mut magic = [0; MAGIC.len()];
        match read_full(&mut reader, &mut magic) {
            Ok(count) if &magic[..count] == MAGIC => {}
            Ok(_) => return Err(PackageError::Magic),
            Err(error) => return Err(PackageError::Read(error)),
        }
        Ok(Self { reader, name: String::new(), number: 0, remaining: 0, is_padded: false })
    }

    /// Goes to the next member, which has to be `expected`, with a compression's suffix where it is a tar archive.
    ///
    /// Members whose name begins with `_` may stand in between and are passed over.
    pub(super) fn expect(&mut self, expected: &'static str) -> Result<Member, PackageError> {
        loop {
            let member = self.next()?.ok_or(PackageError::MissingMember { expected })?;
            let rest = member.name.strip_prefix(expected);
            let is_archive = expected != "debian-binary";
            if rest.is_some_and(|rest| rest.is_empty() || is_archive && rest.starts_with('.')) {
                return Ok(member);
            }
            let is_ignored = member.name.starts_with('_') && self.number > 1;
            if !is_ignored {
                return Err(PackageError::Member { found: member.name, expected });
            }
        }
    }

    /// Passes over what is left of the current member and reads the next header.
    fn next(&mut self) -> Result<Option<Member>, PackageError> {
        let name = self.name.clone();
        io::copy(self, &mut io::sink()).map_err(|error| PackageError::in_member(&name, error))?;
        if self.is_padded {
            // The last byte of padding is missing in some old packages.
            read_full(&mut self.reader, &mut [0]).map_err(PackageError::Read)?;
        }
        let mut header = [0; 60];
        let count = read_full(&mut self.reader, &mut header).map_err(PackageError::Read)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        let parsed = if count == header.len() { parse_header(&header) } else { None };
        let member = parsed.ok_or(PackageError::Header { number: self.number })?;
        self.name.clone_from(&member.name);
        self.remaining = member.size;
        self.is_padded = member.size % 2 == 1;
        Ok(Some(member))
    }
}

impl<R: Read> Read for Container<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(PackageError::Truncated { member: self.name.clone() }.into());
        }
        self.remaining -= count as u64;
        Ok(count)
    }
}

/// Reads until the buffer is full or the input ends, and returns how much that was.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Name in bytes 0–15 (some writers end it with a slash), size as decimal digits in bytes 48–57.
fn parse_header(header: &[u8; 60]) -> Option<Member> {
    if &header[58..] != HEADER_END {
        return None;
    }
    let name = str::from_utf8(&header[..16]).ok()?.trim_end_matches(' ');
    let name = name.strip_suffix('/').unwrap_or(name);
    let is_printable = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    let digits = str::from_utf8(&header[48..58]).ok()?.trim_end_matches(' ');
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_printable || !is_number {
        return None;
    }
    Some(Member { name: name.to_owned(), size: digits.parse().ok()? })
}
