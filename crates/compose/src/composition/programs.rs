//! Finding programs in a tree as the kernel and a shell would.

use temper_oci::EntryKind;
use temper_rootfs::tree::Tree;

/// Finds programs by name or path.
pub(super) struct Programs<'a> {
    pub(super) tree: &'a Tree,
    /// Value of `PATH`.
    pub(super) path: &'a str,
    /// Where relative paths begin.
    pub(super) work_dir: &'a str,
}

impl Programs<'_> {
    /// Says whether a word leads to an executable file: through `PATH` where it has no slash.
    pub(super) fn has(&self, word: &str) -> bool {
        if word.is_empty() {
            return false;
        }
        if word.starts_with('/') {
            return self.is_executable(word);
        }
        if word.contains('/') {
            return self.is_executable(&format!("{}/{word}", self.work_dir));
        }
        self.path.split(':').any(|folder| self.is_executable(&format!("{folder}/{word}")))
    }

    fn is_executable(&self, path: &str) -> bool {
        let node = self.tree.lookup(path.trim_start_matches('/'));
        node.is_some_and(|node| {
            matches!(node.entry.kind, EntryKind::File { .. }) && node.entry.mode & 0o111 != 0
        })
    }
}

/// Says whether a path leads to a directory.
pub(super) fn is_directory(tree: &Tree, path: &str) -> bool {
    tree.lookup(path.trim_start_matches('/'))
        .is_some_and(|node| matches!(node.entry.kind, EntryKind::Directory))
}
