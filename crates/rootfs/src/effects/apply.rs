//! Puts changes into a tree.

use std::sync::Arc;

use temper_oci::{Digest, Entry, EntryKind};

use super::Change;
use crate::tree::{Node, Origin, Source, Tree};

/// Applies changes in order; `effect` names who generates them, `time` is that of new entries.
///
/// Copies are taken from the tree as it was before the first change.
pub fn apply(tree: &mut Tree, changes: &[Change], effect: &str, time: i64) {
    let sources: Vec<Option<Node>> = changes
        .iter()
        .map(|change| match change {
            Change::Copy { from, .. } => tree.lookup(from).cloned(),
            _ => None,
        })
        .collect();
    let mut applier = Applier { tree, origin: Origin::Generated(effect.to_owned()), time };
    for (change, source) in changes.iter().zip(sources) {
        applier.change(change, source);
    }
}

struct Applier<'a> {
    tree: &'a mut Tree,
    origin: Origin,
    time: i64,
}

impl Applier<'_> {
    fn change(&mut self, change: &Change, copied: Option<Node>) {
        match change {
            Change::File { path, content, mode, uid, gid } => {
                let kind = EntryKind::File { size: content.len() as u64, digest: Digest::of(content) };
                self.put(path, kind, (*mode, *uid, *gid), Source::Inline(Arc::from(content.as_slice())));
            }
            Change::Copy { path, mode, uid, gid, .. } => {
                let Some(node) = copied else { return };
                self.put(path, node.entry.kind, (*mode, *uid, *gid), node.source);
            }
            Change::Symlink { path, target } => {
                let kind = EntryKind::Symlink { target: target.clone() };
                self.put(path, kind, (0o777, 0, 0), Source::None);
            }
            Change::Directory { path, mode, uid, gid } => {
                self.put(path, EntryKind::Directory, (*mode, *uid, *gid), Source::None);
            }
            Change::Metadata { path, mode, uid, gid } => {
                let Some(node) = self.tree.get_mut(path) else { return };
                node.entry.mode = mode.unwrap_or(node.entry.mode);
                node.entry.uid = uid.unwrap_or(node.entry.uid);
                node.entry.gid = gid.unwrap_or(node.entry.gid);
            }
            Change::Remove { path } => drop(self.tree.remove(path)),
        }
    }

    fn put(&mut self, path: &str, kind: EntryKind, (mode, uid, gid): (u32, u64, u64), source: Source) {
        self.parents(path);
        let (origin, mtime) = (self.origin.clone(), self.time);
        let entry = Entry { path: path.to_owned(), kind, mode, uid, gid, mtime, xattrs: [].into() };
        self.tree.put(Node { entry, linked_to: None, origin, source });
    }

    /// Makes the missing directories above a path, 0755 root:root.
    fn parents(&mut self, path: &str) {
        for (index, _) in path.match_indices('/') {
            if self.tree.get(&path[..index]).is_none() {
                let (origin, mtime) = (self.origin.clone(), self.time);
                let (path, kind) = (path[..index].to_owned(), EntryKind::Directory);
                let entry = Entry { path, kind, mode: 0o755, uid: 0, gid: 0, mtime, xattrs: [].into() };
                self.tree.put(Node { entry, linked_to: None, origin, source: Source::None });
            }
        }
    }
}
