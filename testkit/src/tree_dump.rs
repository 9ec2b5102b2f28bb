//! File systems as text, for assertions and snapshots.

use std::fmt::Write;

use temper_oci::{EntryKind, Record, ScanLimits, ScanMode, scan_tar};

/// Returns one line per record, in their order: `path  type mode uid:gid` and a file's size and the first eight
/// digits of its digest, or a link's target, or extended attributes' names.
pub fn tree_dump(records: &[Record]) -> String {
    let mut text = String::new();
    for record in records {
        let result = match record {
            Record::Whiteout(path) => writeln!(text, "{path}  whiteout"),
            Record::Opaque(path) => writeln!(text, "{path}  opaque"),
            Record::Entry(entry) => {
                let (word, detail) = kind(&entry.kind);
                let names: String =
                    entry.xattrs.keys().fold(String::new(), |names, name| names + " +" + name);
                let (path, mode, uid, gid) = (&entry.path, entry.mode, entry.uid, entry.gid);
                writeln!(text, "{path}  {word} {mode:04o} {uid}:{gid}{detail}{names}")
            }
        };
        result.expect("text can be written");
    }
    text
}

/// Returns the dump of an uncompressed archive.
pub fn tar_dump(tar: &[u8]) -> String {
    let scan = scan_tar(tar, ScanMode::Layer, &ScanLimits::default()).expect("the archive can be read");
    tree_dump(&scan.records)
}

fn kind(kind: &EntryKind) -> (&'static str, String) {
    match kind {
        EntryKind::File { size, digest } => ("file", format!(" {size} {}", &digest.hex()[..8])),
        EntryKind::Directory => ("dir", String::new()),
        EntryKind::Symlink { target } => ("link", format!(" -> {target}")),
        EntryKind::Hardlink { target } => ("hard", format!(" = {target}")),
        EntryKind::CharacterDevice { major, minor } => ("char", format!(" {major},{minor}")),
        EntryKind::BlockDevice { major, minor } => ("block", format!(" {major},{minor}")),
        EntryKind::Fifo => ("fifo", String::new()),
    }
}
