//! Archives member by member, hostile ones too.

use tar::{EntryType, Header};

/// An archive that is written in the order of its calls.
///
/// Members are owned by root and have the time 0; directories have mode 0755.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    path: Vec<u8>,
    kind: EntryType,
    link: Vec<u8>,
    mode: u32,
    owner: (u64, u64),
    mtime: u64,
    device: (u32, u32),
    xattrs: Vec<(String, Vec<u8>)>,
    content: Vec<u8>,
}

impl Layer {
    /// Starts an empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.member(format!("{path}/").as_bytes(), EntryType::Directory, 0o755, b"", b"")
    }

    /// Adds a regular file.
    #[must_use]
    pub fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.member(path.as_bytes(), EntryType::Regular, mode, b"", content.as_ref())
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.member(path.as_bytes(), EntryType::Symlink, 0o777, target.as_bytes(), b"")
    }

    /// Adds a second name of an earlier file.
    #[must_use]
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.member(path.as_bytes(), EntryType::Link, 0o644, target.as_bytes(), b"")
    }

    /// Adds a character device.
    #[must_use]
    pub fn character_device(self, path: &str, major: u32, minor: u32) -> Self {
        let layer = self.member(path.as_bytes(), EntryType::Char, 0o666, b"", b"");
        layer.change(|member| member.device = (major, minor))
    }

    /// Adds the removal of a path of the layers below.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (parent, name));
        let separator = if parent.is_empty() { "" } else { "/" };
        self.file(&format!("{parent}{separator}.wh.{name}"), 0o644, "")
    }

    /// Hides what a directory of the layers below holds.
    #[must_use]
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), 0o644, "")
    }

    /// Adds a member as given, however strange.
    #[must_use]
    pub fn member(mut self, path: &[u8], kind: EntryType, mode: u32, link: &[u8], content: &[u8]) -> Self {
        self.members.push(Member {
            path: path.to_vec(),
            kind,
            link: link.to_vec(),
            mode,
            owner: (0, 0),
            mtime: 0,
            device: (0, 0),
            xattrs: Vec::new(),
            content: content.to_vec(),
        });
        self
    }

    /// Gives the last member to another user and group.
    #[must_use]
    pub fn owned(self, uid: u64, gid: u64) -> Self {
        self.change(|member| member.owner = (uid, gid))
    }

    /// Gives the last member another mode.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        self.change(|member| member.mode = mode)
    }

    /// Gives the last member a modification time in seconds since the epoch.
    #[must_use]
    pub fn mtime(self, mtime: u64) -> Self {
        self.change(|member| member.mtime = mtime)
    }

    /// Gives the last member an extended attribute.
    #[must_use]
    pub fn xattr(self, name: &str, value: &[u8]) -> Self {
        self.change(|member| member.xattrs.push((name.to_owned(), value.to_vec())))
    }

    fn change(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(self.members.last_mut().expect("there is a member to change"));
        self
    }

    /// Returns the archive with its end.
    pub fn to_tar(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.members.iter().flat_map(Member::to_blocks).collect();
        bytes.extend([0; 1024]);
        bytes
    }
}

impl Member {
    fn to_blocks(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if self.path.len() > 100 {
            records.extend(pax_record("path", &self.path));
        }
        if self.link.len() > 100 {
            records.extend(pax_record("linkpath", &self.link));
        }
        for (name, value) in &self.xattrs {
            records.extend(pax_record(&format!("SCHILY.xattr.{name}"), value));
        }
        let mut blocks = Vec::new();
        if !records.is_empty() {
            blocks.extend(Self::blocks(header(b"pax", EntryType::XHeader, records.len()), &records));
        }
        let mut header = header(&self.path, self.kind, self.content.len());
        let link = &mut header.as_ustar_mut().expect("the header is ustar").linkname;
        fill(link, &self.link);
        header.set_mode(self.mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mtime(self.mtime);
        header.set_device_major(self.device.0).expect("the header is ustar");
        header.set_device_minor(self.device.1).expect("the header is ustar");
        blocks.extend(Self::blocks(header, &self.content));
        blocks
    }

    fn blocks(mut header: Header, content: &[u8]) -> Vec<u8> {
        header.set_cksum();
        let mut blocks = header.as_bytes().to_vec();
        blocks.extend(content);
        blocks.resize(blocks.len().next_multiple_of(512), 0);
        blocks
    }
}

fn header(path: &[u8], kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    fill(&mut header.as_ustar_mut().expect("the header is ustar").name, path);
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header
}

fn fill(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Returns a record of an extended header; its length counts its own digits.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
