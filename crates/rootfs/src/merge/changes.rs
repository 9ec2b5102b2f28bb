//! What the effects of installing packages change, on top of what was unpacked.

use crate::draft::Draft;
use crate::effects::Change;
use crate::merge::{Merge, Metadata};
use crate::tree::{Node, Origin, Tree};

/// Goes on with the packages layer: makes the changes, each named by its effect, in order, and returns the layer's
/// draft. New entries have the time `time`.
pub fn merge_changes<'c>(
    tree: &mut Tree,
    draft: Draft,
    changes: impl Iterator<Item = (&'c str, &'c Change)>,
    time: i64,
) -> Draft {
    let mut merge = Merge::resume(tree, draft);
    for (effect, change) in changes {
        merge.change(change, effect, time);
    }
    merge.finish()
}

impl Merge<'_> {
    /// Makes a change of an effect; `false`, with nothing changed, where an artifact or the document brought what
    /// stands there: they win over what is generated.
    ///
    /// New entries have the time `time`; what only changes owner or mode keeps its own.
    pub fn change(&mut self, change: &Change, effect: &str, time: i64) -> bool {
        if self.is_taken(change.path()) {
            return false;
        }
        let origin = Origin::Generated(effect.to_owned());
        let metadata = |mode: u32, uid: u64, gid: u64| Metadata { mode, uid, gid, mtime: time };
        match change {
            Change::File { path, content, mode, uid, gid } => {
                self.put_file(path, content, metadata(*mode, *uid, *gid), origin);
            }
            Change::Copy { path, kind, source, mode, uid, gid } => {
                let entry = metadata(*mode, *uid, *gid).entry(path, kind.clone());
                self.put(Node { entry, linked_to: None, origin, source: source.clone() }, &|_| None);
            }
            Change::Symlink { path, target } => self.put_symlink(path, target, time, origin),
            Change::Directory { path, mode, uid, gid } => {
                self.put_directory(path, metadata(*mode, *uid, *gid), origin.clone());
                self.change_metadata(path, (Some(*mode), Some(*uid), Some(*gid)), &origin);
            }
            Change::Metadata { path, mode, uid, gid } => {
                self.change_metadata(path, (*mode, *uid, *gid), &origin);
            }
            Change::Remove { path } => self.remove(path),
        }
        true
    }

    fn is_taken(&self, path: &str) -> bool {
        let place = self.tree().resolve_parent(path).ok();
        let node = place.and_then(|place| self.tree().get(&place));
        node.is_some_and(|node| matches!(node.origin, Origin::Artifact(_) | Origin::Document))
    }
}
