//! The files that the customization document itself brings.

use crate::draft::Draft;
use crate::merge::{Merge, Metadata};
use crate::tree::{Origin, Tree};

/// A file of the document's `paths`.
#[derive(Clone, Copy, Debug)]
pub struct DocumentFile<'a> {
    /// Where: an absolute path.
    pub path: &'a str,
    /// What.
    pub content: &'a [u8],
    /// Permission bits, at most `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
}

/// Puts the document's files onto a tree and returns what their layer writes; their time is `time`.
pub fn merge_document(tree: &mut Tree, files: &[DocumentFile<'_>], time: i64) -> Draft {
    let mut merge = Merge::new(tree);
    for file in files {
        let metadata = Metadata { mode: file.mode, uid: file.uid, gid: file.gid, mtime: time };
        merge.put_file(file.path, file.content, metadata, Origin::Document);
    }
    merge.finish()
}
