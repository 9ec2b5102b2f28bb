//! The index of one package file: what it holds, learned in one pass and kept for ever under its digest.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use temper_deb::control::{ControlError, Stanza};
use temper_deb::package::{Conffile, ControlMember, Package, PackageError, PackageLimits};
use temper_oci::{
    Digest, Entry, EntryKind, Facts, Record, ScanError, ScanLimits, ScanMode, scan_tar, visit_files,
};

/// First byte of the stored form; it changes with the form.
const FORMAT: u8 = 1;

/// What is known of one package file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageIndex {
    /// The file `control`: the package's stanza, as written.
    pub control: String,
    /// The other files of the control archive by name: scripts, `md5sums`, `conffiles`, `triggers`, …
    pub control_files: BTreeMap<String, ControlFile>,
    /// What the data archive holds, in its order; the root directory itself is left out.
    pub entries: Vec<Entry>,
    /// What is known of file contents.
    pub facts: Arc<Facts>,
    /// MD5 of shipped conffiles in hexadecimal, by absolute path as the list `conffiles` writes it.
    pub conffile_md5: BTreeMap<String, String>,
    /// Length of the data archive in bytes.
    pub uncompressed_size_bytes: u64,
}

/// A file of the control archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlFile {
    /// Permission bits, at most `0o777`.
    pub mode: u32,
    /// The bytes as written.
    pub content: Vec<u8>,
}

/// An index with the bytes that it was made of, for the one build that meets the package first.
#[derive(Debug)]
pub struct IndexedPackage {
    /// What is kept.
    pub index: PackageIndex,
    /// The uncompressed data archive, unless it is longer than was allowed.
    pub data: Option<Vec<u8>>,
}

/// Why a package file cannot be indexed.
#[derive(Debug, thiserror::Error)]
pub enum IndexPackageError {
    /// The file is no package, or cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its data archive is refused.
    #[error("files of the package cannot be taken")]
    Data(#[from] ScanError),
    /// Its stanza is refused.
    #[error("control file of the package cannot be read")]
    Control(#[from] ControlError),
}

impl IndexPackageError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Package(_) | Self::Control(_) => None,
        }
    }
}

/// Why stored bytes are no index of this version; the package is to be indexed again.
#[derive(Debug, thiserror::Error)]
pub enum DecodePackageIndexError {
    /// Another version wrote them.
    #[error("package index has form {found}, expected {FORMAT}")]
    Format {
        /// Form of the bytes, 0 if there are none.
        found: u8,
    },
    /// They are damaged.
    #[error("package index is damaged")]
    Damaged(#[from] postcard::Error),
}

/// Indexes a package file in one pass.
///
/// The uncompressed data archive is returned as well while it is not longer than `data_bytes_max`, so that a build
/// that also writes the package decodes it once. Verifying the file's own digest is the reader's concern.
pub fn index_package(
    reader: impl Read,
    limits: &PackageLimits,
    scan_limits: &ScanLimits,
    data_bytes_max: u64,
) -> Result<IndexedPackage, IndexPackageError> {
    let (control, data) = Package::open(reader, limits)?.into_parts();
    Stanza::parse(&control.control)?.get("Package")?;
    let mut tee = Tee { reader: data, copy: Some(Vec::new()), copy_bytes_max: data_bytes_max };
    let scan = scan_tar(&mut tee, ScanMode::Package, scan_limits).map_err(scan_failure)?;
    let entries = scan.records.into_iter().filter_map(|record| match record {
        Record::Entry(entry) => Some(entry),
        Record::Whiteout(_) | Record::Opaque(_) => None,
    });
    let entries: Vec<Entry> = entries.collect();
    let conffile_md5 = conffile_md5(&control, &entries, &scan.facts, tee.copy.as_deref(), scan_limits)?;
    let control_files = control.files.into_iter().map(|(name, file)| {
        let (mode, content) = (file.mode, file.content);
        (name, ControlFile { mode, content })
    });
    let index = PackageIndex {
        control: control.control,
        control_files: control_files.collect(),
        entries,
        facts: Arc::new(scan.facts),
        conffile_md5,
        uncompressed_size_bytes: scan.uncompressed_size_bytes,
    };
    Ok(IndexedPackage { index, data: tee.copy })
}

/// Opens the data archive of a package file again, as a source of contents.
pub fn open_data<'a>(
    reader: impl Read + Send + 'a,
    limits: &PackageLimits,
) -> Result<impl Read + Send + 'a, PackageError> {
    Ok(Package::open(reader, limits)?.into_parts().1)
}

impl PackageIndex {
    /// Returns a field of the package's stanza; its name is compared without case.
    pub fn field(&self, name: &str) -> Option<&str> {
        Stanza::parse(&self.control).ok()?.find(name)
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        self.field("Package").unwrap_or_default()
    }

    /// The package's version.
    pub fn version(&self) -> &str {
        self.field("Version").unwrap_or_default()
    }

    /// The package's architecture.
    pub fn architecture(&self) -> &str {
        self.field("Architecture").unwrap_or_default()
    }

    /// Whether several architectures of the package may be installed together.
    pub fn is_multi_arch_same(&self) -> bool {
        self.field("Multi-Arch").is_some_and(|value| value.eq_ignore_ascii_case("same"))
    }

    /// The configuration files, in the order of the list.
    pub fn conffiles(&self) -> Vec<Conffile> {
        self.control_member().conffiles()
    }

    /// The maintainer scripts as text, by name in the order of `temper_deb::package::SCRIPTS`.
    pub fn scripts(&self) -> Vec<(String, String)> {
        let scripts = temper_deb::package::SCRIPTS.into_iter().filter_map(|name| {
            let file = self.control_files.get(name)?;
            Some((name.to_owned(), String::from_utf8_lossy(&file.content).into_owned()))
        });
        scripts.collect()
    }

    /// The time of the newest entry, seconds since the epoch; 0 for a package without entries.
    pub fn newest_mtime(&self) -> i64 {
        self.entries.iter().map(|entry| entry.mtime).max().unwrap_or(0)
    }

    /// Returns the stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = postcard::to_extend(self, vec![FORMAT]);
        bytes.expect("plain structs always serialize and a vector takes all bytes")
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodePackageIndexError> {
        match bytes {
            [FORMAT, rest @ ..] => Ok(postcard::from_bytes(rest)?),
            _ => Err(DecodePackageIndexError::Format { found: bytes.first().copied().unwrap_or(0) }),
        }
    }

    fn control_member(&self) -> ControlMember {
        let files = self.control_files.iter().filter(|(name, _)| *name == "conffiles").map(|(name, file)| {
            let (mode, content) = (file.mode, file.content.clone());
            (name.clone(), temper_deb::package::ControlFile { mode, content })
        });
        ControlMember { control: String::new(), files: files.collect() }
    }
}

/// A package's own error travels through the scan inside an [`io::Error`].
fn scan_failure(error: ScanError) -> IndexPackageError {
    match error {
        ScanError::Read(source) => PackageError::from_io(source).into(),
        error => error.into(),
    }
}

/// Computes the checksums that the package database keeps of conffiles, which the list `md5sums` leaves out.
///
/// Contents come from the kept facts, else from the archive's copy. A conffile that is in neither, which is one of
/// more than 64 KiB in an archive too long to be copied, is left out.
fn conffile_md5(
    control: &ControlMember,
    entries: &[Entry],
    facts: &Facts,
    data: Option<&[u8]>,
    scan_limits: &ScanLimits,
) -> Result<BTreeMap<String, String>, ScanError> {
    let files: BTreeMap<&str, Digest> = entries.iter().filter_map(file_digest).collect();
    let mut sums = BTreeMap::new();
    let mut unread = BTreeMap::new();
    for conffile in control.conffiles().into_iter().filter(|conffile| !conffile.remove_on_upgrade) {
        let path = conffile.path.trim_start_matches('/');
        let Some(digest) = files.get(path) else { continue };
        match facts.kept.get(digest) {
            Some(content) => drop(sums.insert(conffile.path.clone(), md5_hex(content))),
            None => drop(unread.insert(path.to_owned(), conffile.path.clone())),
        }
    }
    if let (Some(data), false) = (data, unread.is_empty()) {
        let wanted = |path: &str| unread.contains_key(path);
        visit_files(data, scan_limits, &wanted, &mut |path, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            sums.insert(unread[path].clone(), md5_hex(&bytes));
            Ok(())
        })?;
    }
    Ok(sums)
}

fn file_digest(entry: &Entry) -> Option<(&str, Digest)> {
    match entry.kind {
        EntryKind::File { digest, .. } => Some((&entry.path, digest)),
        _ => None,
    }
}

/// Returns the MD5 of some bytes as the package database writes it.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    let sum = Md5::digest(bytes);
    let digits = sum.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// Passes a stream on and copies it while it is short enough.
struct Tee<R> {
    reader: R,
    copy: Option<Vec<u8>>,
    copy_bytes_max: u64,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.reader.read(buffer)?;
        if let Some(copy) = &mut self.copy {
            if (copy.len() + size) as u64 > self.copy_bytes_max {
                self.copy = None;
            } else {
                copy.extend_from_slice(&buffer[..size]);
            }
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use temper_testkit::Deb;

    use super::*;

    fn index(bytes: &[u8], data_bytes_max: u64) -> Result<IndexedPackage, IndexPackageError> {
        index_package(bytes, &PackageLimits::default(), &ScanLimits::default(), data_bytes_max)
    }

    fn hello() -> Deb {
        Deb::new("hello", "1:2.0-1")
            .field("Multi-Arch", "same")
            .file("usr/bin/hello", 0o4755, b"#!/bin/sh\necho hello\n")
            .hardlink("usr/bin/hi", "usr/bin/hello")
            .conffile("etc/hello.conf", b"value")
            .conffile("opt/hello.conf", b"value of no kept file")
            .script("postinst", "#!/bin/sh\nset -e\n")
            .mtime(1_600_000_000)
    }

    #[test]
    fn everything_is_known_after_one_pass() {
        let deb = hello();
        let package = index(&deb.build(), 1 << 20).expect("indexes");
        let index = &package.index;
        assert_eq!((index.name(), index.version(), index.architecture()), ("hello", "1:2.0-1", "amd64"));
        assert!(index.is_multi_arch_same());
        assert_eq!(index.newest_mtime(), 1_600_000_000);
        assert_eq!(index.scripts(), [("postinst".to_owned(), "#!/bin/sh\nset -e\n".to_owned())]);
        assert_eq!(index.conffiles().len(), 2);
        let sums = [("/etc/hello.conf", b"value".as_slice()), ("/opt/hello.conf", b"value of no kept file")];
        let sums = sums.map(|(path, content)| (path.to_owned(), md5_hex(content)));
        assert_eq!(index.conffile_md5, BTreeMap::from(sums));
        assert_eq!(package.data.as_deref(), Some(deb.data_archive().as_slice()));
        assert_eq!(index.uncompressed_size_bytes, deb.data_archive().len() as u64);
    }

    #[test]
    fn a_long_archive_is_not_copied() {
        let deb = hello().build();
        let package = index(&deb, 100).expect("indexes");
        assert_eq!(package.data, None);
        assert_eq!(package.index.conffile_md5.len(), 1);
        let mut data = Vec::new();
        let mut reader = open_data(deb.as_slice(), &PackageLimits::default()).expect("opens");
        reader.read_to_end(&mut data).expect("reads");
        assert_eq!(data, hello().data_archive());
    }

    #[test]
    fn the_stored_form_round_trips_and_damage_is_noticed() {
        let package = index(&hello().build(), 0).expect("indexes").index;
        let bytes = package.to_bytes();
        assert_eq!(PackageIndex::from_bytes(&bytes).expect("decodes"), package);
        let messages = [&[][..], &[9, 9], &bytes[..bytes.len() - 1]]
            .map(|bytes| PackageIndex::from_bytes(bytes).expect_err("fails").to_string());
        assert_eq!(
            messages,
            [
                "package index has form 0, expected 1",
                "package index has form 9, expected 1",
                "package index is damaged"
            ]
        );
    }

    #[test]
    fn what_a_package_must_not_hold_is_refused() {
        for (deb, expected) in [
            (hello().device("dev/null", 1, 3).build(), "files of the package cannot be taken"),
            (hello().file("etc/.wh.passwd", 0o644, b"").build(), "files of the package cannot be taken"),
            (
                hello().control_file("control", 0o644, b"x").build(),
                "control file of the package cannot be read",
            ),
            (hello().build()[..300].to_vec(), "package ends within member `control.tar.xz`"),
        ] {
            assert_eq!(index(&deb, 0).expect_err("fails").to_string(), expected);
        }
    }
}
