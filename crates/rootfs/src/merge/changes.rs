//! What the effects of installing packages change, on top of what was unpacked.

use crate::draft::Draft;
use crate::effects::Change;
use crate::merge::{Merge, Metadata};
use crate::tree::{Node, Origin, Tree};

/// Goes on with the packages layer: makes the changes, each named by its effect, in order, and returns the layer's
/// draft.
///
/// A path that an artifact or the document brought is left alone: they win over what is generated. New entries have
/// the time `time`; what only changes owner or mode keeps its own. Copies are taken from the tree as it was before the
/// first change.
pub fn merge_changes<'c>(
    tree: &mut Tree,
    draft: Draft,
    changes: impl Iterator<Item = (&'c str, &'c Change)> + Clone,
    time: i64,
) -> Draft {
    let copied = changes.clone().map(|(_, change)| match change {
        Change::Copy { from, .. } => tree.lookup(from).cloned(),
        _ => None,
    });
    let copied: Vec<Option<Node>> = copied.collect();
    let mut merge = Merge::resume(tree, draft);
    for ((effect, change), copied) in changes.zip(copied) {
        let origin = Origin::Generated(effect.to_owned());
        if !is_taken(merge.tree(), change.path()) {
            make(&mut merge, change, copied, &origin, time);
        }
    }
    merge.finish()
}

fn make(merge: &mut Merge<'_>, change: &Change, copied: Option<Node>, origin: &Origin, time: i64) {
    let metadata = |mode: u32, uid: u64, gid: u64| Metadata { mode, uid, gid, mtime: time };
    match change {
        Change::File { path, content, mode, uid, gid } => {
            merge.put_file(path, content, metadata(*mode, *uid, *gid), origin.clone());
        }
        Change::Copy { path, mode, uid, gid, .. } => {
            let Some(from) = copied else { return };
            let entry = metadata(*mode, *uid, *gid).entry(path, from.entry.kind);
            let node = Node { entry, linked_to: None, origin: origin.clone(), source: from.source };
            merge.put(node, &|_| None);
        }
        Change::Symlink { path, target } => merge.put_symlink(path, target, time, origin.clone()),
        Change::Directory { path, mode, uid, gid } => {
            merge.put_directory(path, metadata(*mode, *uid, *gid), origin.clone());
            merge.change_metadata(path, (Some(*mode), Some(*uid), Some(*gid)), origin);
        }
        Change::Metadata { path, mode, uid, gid } => {
            merge.change_metadata(path, (*mode, *uid, *gid), origin);
        }
        Change::Remove { path } => merge.remove(path),
    }
}

/// Whether an artifact or the document has brought what stands at a path.
fn is_taken(tree: &Tree, path: &str) -> bool {
    let place = tree.resolve_parent(path).ok();
    let node = place.and_then(|place| tree.get(&place));
    node.is_some_and(|node| matches!(node.origin, Origin::Artifact(_) | Origin::Document))
}
