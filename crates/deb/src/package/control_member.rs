//! The control archive: the package's stanza, maintainer scripts and lists, see [deb-control(5)] and its neighbours.
//!
//! The files are flat, named by their purpose, and become the database's `info/<package>.<name>`. They are kept as
//! bytes, since a script may be in any encoding, or no text at all.
//!
//! [deb-control(5)]: https://manpages.debian.org/deb-control.5

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use tar::{Archive, EntryType};

use super::{PackageError, PackageLimits};

/// Names of the maintainer scripts, in the order in which an installation runs them, then those of a removal.
pub const SCRIPTS: [&str; 5] = ["config", "preinst", "postinst", "prerm", "postrm"];

/// The files of a control archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlMember {
    /// The file `control`: the package's stanza, as written.
    pub control: String,
    /// Every other file by name (`md5sums`, `conffiles`, `postinst`, `triggers`, `templates`, `shlibs` …).
    pub files: BTreeMap<String, ControlFile>,
}

/// A file of the control archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlFile {
    /// Permission bits, at most `0o777`.
    pub mode: u32,
    /// The bytes as written.
    pub content: Vec<u8>,
}

/// A configuration file that belongs to its administrator once it is installed, see [deb-conffiles(5)].
///
/// [deb-conffiles(5)]: https://manpages.debian.org/deb-conffiles.5
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conffile {
    /// Absolute path, as written.
    pub path: String,
    /// The file is no longer shipped, and is to go when the package is upgraded.
    pub remove_on_upgrade: bool,
}

impl ControlMember {
    /// The text of a file other than `control`; bytes that are no UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.files.get(name).map(|file| String::from_utf8_lossy(&file.content))
    }

    /// The maintainer scripts that the package has, by name in the order of [`SCRIPTS`].
    pub fn scripts(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        SCRIPTS.into_iter().filter_map(|name| Some((name, self.text(name)?)))
    }

    /// The checksum list, `<md5>  <path without leading slash>` a line, as it goes into the database.
    pub fn md5sums(&self) -> Option<Cow<'_, str>> {
        self.text("md5sums")
    }

    /// The configuration files, in the order of the list.
    pub fn conffiles(&self) -> Vec<Conffile> {
        let text = self.text("conffiles").unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| match line.strip_prefix("remove-on-upgrade ") {
                Some(path) => Conffile { path: path.trim_start().to_owned(), remove_on_upgrade: true },
                None => Conffile { path: line.to_owned(), remove_on_upgrade: false },
            })
            .collect()
    }

    /// Reads the uncompressed control archive.
    pub(super) fn parse(archive: &[u8], limits: &PackageLimits) -> Result<Self, PackageError> {
        let mut files = BTreeMap::new();
        let mut archive = Archive::new(archive);
        for (index, entry) in archive.entries().map_err(PackageError::ControlArchive)?.enumerate() {
            if index >= limits.control_entries_max {
                return Err(PackageError::ControlEntries { limit: limits.control_entries_max });
            }
            let entry = entry.map_err(PackageError::ControlArchive)?;
            let Some(path) = plain_name(&entry)? else { continue };
            if path == "control" && entry.size() > limits.stanza_bytes_max {
                return Err(PackageError::StanzaTooLarge { limit: limits.stanza_bytes_max });
            }
            let file = read_file(entry)?;
            if files.insert(path.clone(), file).is_some() {
                return Err(PackageError::ControlDuplicate { path });
            }
        }
        let stanza = files.remove("control").ok_or(PackageError::ControlMissing)?;
        let control = String::from_utf8(stanza.content).map_err(|_| PackageError::StanzaText)?;
        Ok(Self { control, files })
    }
}

/// The name of a regular file on the top level; nothing for the top directory itself.
fn plain_name(entry: &tar::Entry<'_, impl Read>) -> Result<Option<String>, PackageError> {
    let raw = entry.path_bytes();
    let path = String::from_utf8_lossy(&raw).into_owned();
    let name = path.strip_prefix("./").unwrap_or(&path);
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory && matches!(name, "" | ".") {
        return Ok(None);
    }
    let is_plain = !name.starts_with('.') && !name.is_empty() && name.bytes().all(is_name_byte);
    if !is_plain {
        return Err(PackageError::ControlPath { path });
    }
    if kind != EntryType::Regular {
        return Err(PackageError::ControlKind { path });
    }
    Ok(Some(name.to_owned()))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+')
}

fn read_file(mut entry: tar::Entry<'_, impl Read>) -> Result<ControlFile, PackageError> {
    let mode = entry.header().mode().map_err(PackageError::ControlArchive)? & 0o777;
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(PackageError::ControlArchive)?;
    if content.len() as u64 != entry.size() {
        return Err(PackageError::ControlArchive(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(ControlFile { mode, content })
}
