//! The tar archives within a fake package, as `dpkg-deb` writes them: GNU headers, names that begin with `./`.

use std::collections::BTreeSet;

use tar::{Builder, EntryType, Header};

/// One entry of an archive.
#[derive(Clone, Debug)]
pub(super) struct DataEntry {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) owner: (u64, u64),
    pub(super) content: Content,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    Hardlink(String),
    Device(u32, u32),
}

/// Longest name or link that fits into a header.
const NAME_BYTES_MAX: usize = 100;

/// Writes the entries in their order, each after its parent directories.
pub(super) fn archive(entries: &[DataEntry], mtime: u64) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut directories = BTreeSet::new();
    append(&mut builder, &directory(""), mtime);
    for entry in entries {
        let is_directory = matches!(entry.content, Content::Directory);
        for (end, _) in entry.path.match_indices('/') {
            let parent = &entry.path[..end];
            let is_given =
                entries.iter().any(|e| e.path == parent && matches!(e.content, Content::Directory));
            if !is_given && directories.insert(parent.to_owned()) {
                append(&mut builder, &directory(parent), mtime);
            }
        }
        if !is_directory || directories.insert(entry.path.clone()) {
            append(&mut builder, entry, mtime);
        }
    }
    builder.into_inner().expect("memory takes every byte")
}

fn directory(path: &str) -> DataEntry {
    DataEntry { path: path.to_owned(), mode: 0o755, owner: (0, 0), content: Content::Directory }
}

fn append(builder: &mut Builder<Vec<u8>>, entry: &DataEntry, mtime: u64) {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.owner.0);
    header.set_gid(entry.owner.1);
    header.set_mtime(mtime);
    let mut name = format!("./{}", entry.path);
    let mut data: &[u8] = &[];
    match &entry.content {
        Content::File(content) => data = content,
        Content::Directory => {
            header.set_entry_type(EntryType::Directory);
            name = if entry.path.is_empty() { name } else { name + "/" };
        }
        Content::Symlink(target) => {
            header.set_entry_type(EntryType::Symlink);
            set_link(builder, &mut header, target);
        }
        Content::Hardlink(target) => {
            header.set_entry_type(EntryType::Link);
            set_link(builder, &mut header, &format!("./{target}"));
        }
        Content::Device(major, minor) => {
            header.set_entry_type(EntryType::Char);
            header.set_device_major(*major).expect("a GNU header has devices");
            header.set_device_minor(*minor).expect("a GNU header has devices");
        }
    }
    if name.len() > NAME_BYTES_MAX {
        append_long(builder, EntryType::GNULongName, &name);
    }
    // The bytes go in directly: `Header::set_path` would drop the leading `./`, and refuse hostile names.
    copy(&mut header.as_old_mut().name, &name);
    header.set_size(data.len() as u64);
    header.set_cksum();
    builder.append(&header, data).expect("memory takes every byte");
}

fn set_link(builder: &mut Builder<Vec<u8>>, header: &mut Header, target: &str) {
    if target.len() > NAME_BYTES_MAX {
        append_long(builder, EntryType::GNULongLink, target);
    }
    copy(&mut header.as_old_mut().linkname, target);
}

/// Writes a GNU entry whose content is the long name of the entry that follows.
fn append_long(builder: &mut Builder<Vec<u8>>, kind: EntryType, text: &str) {
    let mut header = Header::new_gnu();
    copy(&mut header.as_old_mut().name, "././@LongLink");
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(text.len() as u64 + 1);
    header.set_cksum();
    builder.append(&header, &[text.as_bytes(), &[0]].concat()[..]).expect("memory takes every byte");
}

fn copy(field: &mut [u8; NAME_BYTES_MAX], text: &str) {
    let length = text.len().min(NAME_BYTES_MAX);
    field.fill(0);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}
