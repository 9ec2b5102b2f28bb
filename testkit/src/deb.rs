//! Fake Debian packages, and the containers of hostile ones.
//!
//! ```
//! use temper_testkit::Deb;
//!
//! let bytes = Deb::new("hello", "1.0")
//!     .architecture("amd64")
//!     .depends("libc6 (>= 2.38)")
//!     .file("usr/bin/hello", 0o755, b"#!/bin/sh\n")
//!     .script("postinst", "#!/bin/sh\nset -e\n")
//!     .build();
//! assert!(bytes.starts_with(b"!<arch>\ndebian-binary"));
//! ```

mod data;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::Compression;

use self::data::{Content, DataEntry};

/// Modification time of every entry unless [`Deb::mtime`] says otherwise: 2025-01-01.
pub const MTIME: u64 = 1_735_689_600;

/// Builder of a package.
#[derive(Clone, Debug)]
pub struct Deb {
    fields: Vec<(String, String)>,
    control_files: BTreeMap<String, (u32, Vec<u8>)>,
    conffiles: Vec<String>,
    entries: Vec<DataEntry>,
    mtime: u64,
    compression: Compression,
}

impl Deb {
    /// Starts a package without files for amd64.
    pub fn new(name: &str, version: &str) -> Self {
        let fields = [
            ("Package", name),
            ("Version", version),
            ("Architecture", "amd64"),
            ("Maintainer", "Testers <testers@example.org>"),
            ("Installed-Size", "1"),
            ("Section", "misc"),
            ("Priority", "optional"),
        ];
        Self {
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            control_files: BTreeMap::new(),
            conffiles: Vec::new(),
            entries: Vec::new(),
            mtime: MTIME,
            compression: Compression::Xz,
        }
    }

    /// Sets a field of the control stanza, or adds it before the description.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Sets the architecture.
    #[must_use]
    pub fn architecture(self, name: &str) -> Self {
        self.field("Architecture", name)
    }

    /// Sets the dependencies.
    #[must_use]
    pub fn depends(self, relations: &str) -> Self {
        self.field("Depends", relations)
    }

    /// Sets what the package provides.
    #[must_use]
    pub fn provides(self, relations: &str) -> Self {
        self.field("Provides", relations)
    }

    /// Adds a regular file of root.
    #[must_use]
    pub fn file(self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.entry(path, mode, Content::File(content.to_vec()))
    }

    /// Adds a directory; parents of other entries come by themselves, 0755.
    #[must_use]
    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(path, mode, Content::Directory)
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o777, Content::Symlink(target.to_owned()))
    }

    /// Adds a second name of an earlier file; `target` is relative to the root.
    #[must_use]
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(path, 0o644, Content::Hardlink(target.to_owned()))
    }

    /// Adds a character device, which packages must not have.
    #[must_use]
    pub fn device(self, path: &str, major: u32, minor: u32) -> Self {
        self.entry(path, 0o600, Content::Device(major, minor))
    }

    /// Gives the entry added last to another user and group.
    #[must_use]
    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        self.entries.last_mut().expect("an entry was added before").owner = (uid, gid);
        self
    }

    /// Adds a configuration file, 0644, and lists it as such.
    #[must_use]
    pub fn conffile(mut self, path: &str, content: &[u8]) -> Self {
        self.conffiles.push(format!("/{path}"));
        self.file(path, 0o644, content)
    }

    /// Adds a maintainer script, 0755.
    #[must_use]
    pub fn script(self, name: &str, text: &str) -> Self {
        self.control_file(name, 0o755, text.as_bytes())
    }

    /// Adds a file to the control archive, in place of a generated one of that name.
    #[must_use]
    pub fn control_file(mut self, name: &str, mode: u32, content: &[u8]) -> Self {
        self.control_files.insert(name.to_owned(), (mode, content.to_vec()));
        self
    }

    /// Sets the modification time of all entries, in seconds since the epoch.
    #[must_use]
    pub fn mtime(mut self, seconds: u64) -> Self {
        self.mtime = seconds;
        self
    }

    /// Sets the compression of both archives.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Returns the value of a control field, empty if there is none.
    pub fn get(&self, field: &str) -> &str {
        self.fields.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value)
    }

    /// Returns the control stanza.
    pub fn control(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.fields.iter().filter(|(name, _)| name != "Description") {
            writeln!(text, "{name}: {value}").expect("a string takes every byte");
        }
        let description = match self.get("Description") {
            "" => format!("fake {}", self.get("Package")),
            given => given.to_owned(),
        };
        text + &format!("Description: {description}\n")
    }

    /// Returns the conventional name of the file, `hello_1.0_amd64.deb`, without an epoch.
    pub fn file_name(&self) -> String {
        let version = self.get("Version");
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        format!("{}_{version}_{}.deb", self.get("Package"), self.get("Architecture"))
    }

    /// Returns the package's bytes; equal builders give equal bytes.
    pub fn build(&self) -> Vec<u8> {
        let suffix = self.compression.suffix();
        container(&[
            ("debian-binary", b"2.0\n"),
            (&format!("control.tar{suffix}"), &self.compression.compress(&self.control_archive())),
            (&format!("data.tar{suffix}"), &self.compression.compress(&self.data_archive())),
        ])
    }

    /// Returns the data archive without compression.
    pub fn data_archive(&self) -> Vec<u8> {
        data::archive(&self.entries, self.mtime)
    }

    fn entry(mut self, path: &str, mode: u32, content: Content) -> Self {
        self.entries.push(DataEntry { path: path.to_owned(), mode, owner: (0, 0), content });
        self
    }

    fn control_archive(&self) -> Vec<u8> {
        let mut files = BTreeMap::from([("control".to_owned(), (0o644, self.control().into_bytes()))]);
        let md5sums = self.md5sums();
        if !md5sums.is_empty() {
            files.insert("md5sums".to_owned(), (0o644, md5sums.into_bytes()));
        }
        if !self.conffiles.is_empty() {
            let list = self.conffiles.join("\n") + "\n";
            files.insert("conffiles".to_owned(), (0o644, list.into_bytes()));
        }
        files.extend(self.control_files.clone());
        let entries: Vec<_> = files
            .into_iter()
            .map(|(path, (mode, bytes))| DataEntry {
                path,
                mode,
                owner: (0, 0),
                content: Content::File(bytes),
            })
            .collect();
        data::archive(&entries, self.mtime)
    }

    /// Conffiles have no line, as `dh_md5sums` leaves them out.
    fn md5sums(&self) -> String {
        let is_listed = |entry: &&DataEntry| !self.conffiles.contains(&format!("/{}", entry.path));
        let lines = self.entries.iter().filter(is_listed).filter_map(|entry| match &entry.content {
            Content::File(content) => Some(format!("{}  {}\n", hex(&Md5::digest(content)), entry.path)),
            _ => None,
        });
        lines.collect()
    }
}

/// Puts members into an `ar` archive as packages have it; for broken packages, with whatever names and bytes.
pub fn container(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ar::Header::new(name.as_bytes().to_vec(), content.len() as u64);
        header.set_mode(0o100_644);
        header.set_mtime(MTIME);
        builder.append(&header, *content).expect("memory takes every byte");
    }
    builder.into_inner().expect("memory takes every byte")
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes every byte");
    }
    text
}
