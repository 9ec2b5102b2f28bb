//! Headers of the archives that Temper writes: ustar, with a PAX header only where ustar cannot say it.
//!
//! Follows [POSIX.1-2024, pax, "ustar Interchange Format" and "pax Interchange Format"]. Owner and group names are
//! empty, so that only the numbers count.
//!
//! [POSIX.1-2024, pax, "ustar Interchange Format" and "pax Interchange Format"]: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html

use temper_oci::{Entry, EntryKind};

/// Unit of archives, in bytes.
pub(crate) const BLOCK_BYTES: usize = 512;

const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;

/// What a device number field holds; Linux knows 12 bits of major and 20 bits of minor numbers.
const DEVICE_NUMBER_MASK: u64 = 0o7_777_777;

/// One header block under construction.
struct Block([u8; BLOCK_BYTES]);

/// Fields of a header that ustar and PAX share.
struct Fields<'a> {
    name: &'a [u8],
    prefix: &'a [u8],
    type_flag: u8,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    mtime: u64,
    link: &'a [u8],
    device: Option<(u32, u32)>,
}

/// Appends everything that stands before an entry's content.
pub(crate) fn append_header(entry: &Entry, out: &mut Vec<u8>) {
    let mut name = entry.path.clone();
    if matches!(entry.kind, EntryKind::Directory) {
        name.push('/');
    }
    let mut records = Vec::new();
    let (prefix, short_name) = split_name(&name).unwrap_or_else(|| {
        records.push(("path".to_owned(), name.as_bytes().to_vec()));
        ("", "")
    });
    let (type_flag, size, link, device) = kind_fields(&entry.kind);
    let link = if fits(link, NAME_BYTES) {
        link
    } else {
        records.push(("linkpath".to_owned(), link.as_bytes().to_vec()));
        ""
    };
    let mut number = |key: &str, value: i128, digits: u32| {
        if (0..1 << (3 * digits)).contains(&value) {
            value as u64
        } else {
            records.push((key.to_owned(), value.to_string().into_bytes()));
            0
        }
    };
    let fields = Fields {
        name: short_name.as_bytes(),
        prefix: prefix.as_bytes(),
        type_flag,
        mode: entry.mode,
        uid: number("uid", entry.uid.into(), 7),
        gid: number("gid", entry.gid.into(), 7),
        size: number("size", size.into(), 11),
        mtime: number("mtime", entry.mtime.into(), 11),
        link: link.as_bytes(),
        device,
    };
    records.extend(entry.xattrs.iter().map(|(name, value)| (format!("SCHILY.xattr.{name}"), value.clone())));
    append_pax(records, out);
    out.extend_from_slice(&block(&fields).0);
}

/// Number of zero bytes that fill a content of this length up to whole blocks.
pub(crate) fn padding(size: u64) -> usize {
    (size.next_multiple_of(BLOCK_BYTES as u64) - size) as usize
}

fn kind_fields(kind: &EntryKind) -> (u8, u64, &str, Option<(u32, u32)>) {
    match kind {
        EntryKind::File { size, .. } => (b'0', *size, "", None),
        EntryKind::Hardlink { target } => (b'1', 0, target, None),
        EntryKind::Symlink { target } => (b'2', 0, target, None),
        EntryKind::CharacterDevice { major, minor } => (b'3', 0, "", Some((*major, *minor))),
        EntryKind::BlockDevice { major, minor } => (b'4', 0, "", Some((*major, *minor))),
        EntryKind::Directory => (b'5', 0, "", None),
        EntryKind::Fifo => (b'6', 0, "", None),
    }
}

/// Whether a header field of this length can hold the text; ustar knows ASCII only.
fn fits(text: &str, length: usize) -> bool {
    text.len() <= length && text.is_ascii()
}

/// Splits a name into prefix and name field, if ustar can hold it.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if fits(name, NAME_BYTES) {
        return Some(("", name));
    }
    if !fits(name, PREFIX_BYTES + 1 + NAME_BYTES) {
        return None;
    }
    let slash = name.char_indices().find(|(at, character)| {
        *character == '/' && *at > 0 && *at + 1 < name.len() && name.len() - at - 1 <= NAME_BYTES
    })?;
    (slash.0 <= PREFIX_BYTES).then(|| (&name[..slash.0], &name[slash.0 + 1..]))
}

/// Appends an extended header with these records, sorted by key; nothing if there are none.
fn append_pax(mut records: Vec<(String, Vec<u8>)>, out: &mut Vec<u8>) {
    if records.is_empty() {
        return;
    }
    records.sort();
    let mut content = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = record_length(rest);
        content.extend_from_slice(format!("{length} {key}=").as_bytes());
        content.extend_from_slice(&value);
        content.push(b'\n');
    }
    let size = content.len() as u64;
    let fields = Fields {
        name: b"PaxHeader",
        prefix: b"",
        type_flag: b'x',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size,
        mtime: 0,
        link: b"",
        device: None,
    };
    out.extend_from_slice(&block(&fields).0);
    out.append(&mut content);
    out.resize(out.len() + padding(size), 0);
}

/// Length of a PAX record, its own decimal digits included.
fn record_length(rest: usize) -> usize {
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    length
}

fn block(fields: &Fields<'_>) -> Block {
    let mut block = Block([0; BLOCK_BYTES]);
    block.bytes(0, fields.name);
    block.octal(100, 7, u64::from(fields.mode & 0o7777));
    block.octal(108, 7, fields.uid);
    block.octal(116, 7, fields.gid);
    block.octal(124, 11, fields.size);
    block.octal(136, 11, fields.mtime);
    block.bytes(148, b"        ");
    block.0[156] = fields.type_flag;
    block.bytes(157, fields.link);
    block.bytes(257, b"ustar\x0000");
    if let Some((major, minor)) = fields.device {
        block.octal(329, 7, u64::from(major) & DEVICE_NUMBER_MASK);
        block.octal(337, 7, u64::from(minor) & DEVICE_NUMBER_MASK);
    }
    block.bytes(345, fields.prefix);
    let sum: u64 = block.0.iter().map(|byte| u64::from(*byte)).sum();
    block.octal(148, 6, sum);
    block.0[154] = 0;
    block
}

impl Block {
    fn bytes(&mut self, at: usize, value: &[u8]) {
        self.0[at..at + value.len()].copy_from_slice(value);
    }

    /// Writes a number as so many octal digits; the byte after them stays NUL.
    fn octal(&mut self, at: usize, digits: usize, value: u64) {
        self.bytes(at, format!("{value:0digits$o}").as_bytes());
    }
}
