//! Package files (`.deb`): a container of control data and the files to unpack, see [deb(5)].
//!
//! [`Package::open`] reads the control member at once; the data member stays a stream, so that a package of any
//! size is read once and never held in memory. Everything is bounded by [`PackageLimits`], since a package may
//! come from anyone.
//!
//! Read: format 2.x; members plain or compressed with gzip, xz, zstd or (old packages) lzma.
//! Deliberately not read: bzip2, format 0.939, and what follows the data member.
//!
//! [deb(5)]: https://manpages.debian.org/deb.5

mod container;
mod control_member;
mod decompress;
mod error;

use std::io::{self, Read};

use container::{Container, Member};
use decompress::Decompressor;

pub use control_member::{Conffile, ControlFile, ControlMember, SCRIPTS};
pub use error::PackageError;

/// Bounds of what a package may hold. The default admits every package of Debian's archive with room to spare.
#[derive(Clone, Debug)]
pub struct PackageLimits {
    /// Size of the whole control archive after decompression.
    pub control_bytes_max: u64,
    /// Size of the file `control`, which becomes a stanza of the package database.
    pub stanza_bytes_max: u64,
    /// Files in the control archive.
    pub control_entries_max: usize,
    /// Size of the data archive after decompression.
    pub data_bytes_max: u64,
    /// Most bytes that one compressed byte of a member may become; looked at only beyond 64 MiB.
    pub ratio_max: u64,
    /// Memory that an xz or lzma decoder may take, mostly its dictionary.
    pub decoder_bytes_max: u64,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            control_bytes_max: 64 << 20,
            stanza_bytes_max: 1 << 20,
            control_entries_max: 1024,
            data_bytes_max: 16 << 30,
            ratio_max: 1000,
            decoder_bytes_max: 256 << 20,
        }
    }
}

/// Output below which the ratio is not looked at: small members of zeros compress without limit.
const RATIO_FREE_BYTES: u64 = 64 << 20;

impl PackageLimits {
    /// How much a member of `compressed` bytes may become, given the limit of its kind.
    fn allowance(&self, compressed: u64, kind_max: u64) -> u64 {
        kind_max.min(compressed.saturating_mul(self.ratio_max).max(RATIO_FREE_BYTES))
    }
}

/// An opened package: control data read, files still to come.
pub struct Package<R: Read> {
    control: ControlMember,
    data: DataMember<R>,
}

impl<R: Read> Package<R> {
    /// Reads a package up to the beginning of its files.
    ///
    /// The reader should be buffered or in memory: member headers are read in small pieces.
    pub fn open(reader: R, limits: &PackageLimits) -> Result<Self, PackageError> {
        let mut container = Container::open(reader)?;
        read_format(&mut container)?;
        let member = container.expect("control.tar")?;
        let allowance = limits.allowance(member.size, limits.control_bytes_max);
        let archive = read_all(member, &mut container, allowance, limits)?;
        let control = ControlMember::parse(&archive, limits)?;
        let member = container.expect("data.tar")?;
        let allowance = limits.allowance(member.size, limits.data_bytes_max);
        let reader = Decompressor::new(&member, container, limits.decoder_bytes_max)?;
        Ok(Self { control, data: DataMember { name: member.name, reader, read: 0, allowance } })
    }

    /// The control data.
    pub fn control(&self) -> &ControlMember {
        &self.control
    }

    /// Splits the package into its control data and the stream of its files.
    pub fn into_parts(self) -> (ControlMember, DataMember<R>) {
        (self.control, self.data)
    }
}

/// The data archive as an uncompressed tar stream.
///
/// A read fails with a [`PackageError`] inside the [`io::Error`]; [`PackageError::from_io`] takes it out again.
pub struct DataMember<R: Read> {
    name: String,
    reader: Decompressor<Container<R>>,
    read: u64,
    allowance: u64,
}

impl<R: Read> Read for DataMember<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer).map_err(|source| PackageError::in_member(&self.name, source))?;
        self.read += count as u64;
        if self.read > self.allowance {
            let (member, limit) = (self.name.clone(), self.allowance);
            return Err(PackageError::TooLarge { member, limit }.into());
        }
        Ok(count)
    }
}

/// Checks the first member, `debian-binary`, which holds the version of the format.
fn read_format<R: Read>(container: &mut Container<R>) -> Result<(), PackageError> {
    let member = container.expect("debian-binary")?;
    let mut text = Vec::new();
    // Later lines are reserved and ignored, see deb(5).
    container
        .by_ref()
        .take(64)
        .read_to_end(&mut text)
        .map_err(|e| PackageError::in_member(&member.name, e))?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_known = line
        .strip_prefix(b"2.")
        .is_some_and(|minor| !minor.is_empty() && minor.iter().all(u8::is_ascii_digit));
    if is_known {
        return Ok(());
    }
    Err(PackageError::Format { found: String::from_utf8_lossy(line).into_owned() })
}

/// Reads a whole member after decompression.
fn read_all<R: Read>(
    member: Member,
    container: &mut Container<R>,
    allowance: u64,
    limits: &PackageLimits,
) -> Result<Vec<u8>, PackageError> {
    let reader = Decompressor::new(&member, container, limits.decoder_bytes_max)?;
    let mut bytes = Vec::new();
    let read = reader.take(allowance + 1).read_to_end(&mut bytes);
    read.map_err(|source| PackageError::in_member(&member.name, source))?;
    if bytes.len() as u64 > allowance {
        return Err(PackageError::TooLarge { member: member.name, limit: allowance });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
