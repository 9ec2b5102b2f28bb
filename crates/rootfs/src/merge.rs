//! Putting entries onto a tree by the rules of composition: later wins, and nothing leaves the root.
//!
//! A [`Merge`] changes the tree as it goes and notes what the layer must therefore write. The sources each have
//! their own rules on top: packages, artifacts, the document, and what effects generate.

use std::collections::BTreeMap;
use std::sync::Arc;

use temper_oci::{Digest, Entry, EntryKind};

use crate::draft::{Collision, CollisionKind, Draft, difference, parents};
use crate::tree::{Node, Origin, PathError, Source, Tree};

mod artifact;
mod changes;
mod conffile;
mod diversions;
mod packages;
mod path_filter;
mod problem;

pub use artifact::{ArtifactSelection, merge_artifact};
pub use changes::merge_changes;
pub use packages::{MergedPackages, PackageSource, merge_packages};
pub use problem::MergeProblem;

pub(crate) use diversions::Diversions;

/// Prefix of names that would remove what lies below.
const WHITEOUT: &str = ".wh.";

/// Owner, mode and time of something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits, at most `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since the epoch.
    pub mtime: i64,
}

impl Metadata {
    /// Owned by root.
    pub fn of_root(mode: u32, mtime: i64) -> Self {
        Self { mode, uid: 0, gid: 0, mtime }
    }

    /// Makes an entry; a path that has no plain form is left for the merge to refuse.
    fn entry(self, path: &str, kind: EntryKind) -> Entry {
        let Self { mode, uid, gid, mtime } = self;
        let path = temper_oci::normalize_path(path).unwrap_or_else(|| path.to_owned());
        Entry { path, kind, mode, uid, gid, mtime, xattrs: BTreeMap::new() }
    }
}

/// A merge under way: the tree with everything so far, and what this layer adds to it.
#[derive(Debug)]
pub struct Merge<'t> {
    tree: &'t mut Tree,
    draft: Draft,
}

impl<'t> Merge<'t> {
    /// Starts a layer on top of a tree.
    pub fn new(tree: &'t mut Tree) -> Self {
        Self::resume(tree, Draft::default())
    }

    /// Goes on with a layer whose draft is already on the tree.
    pub fn resume(tree: &'t mut Tree, draft: Draft) -> Self {
        Self { tree, draft }
    }

    /// The tree as it is now.
    pub fn tree(&self) -> &Tree {
        self.tree
    }

    /// Why the draft must not be written, as far as it goes.
    pub fn problems(&self) -> &[MergeProblem] {
        &self.draft.problems
    }

    /// Reports why the draft must not be written.
    pub fn problem(&mut self, problem: MergeProblem) {
        self.draft.problems.push(problem);
    }

    /// Reports something that somebody should know.
    pub fn warn(&mut self, warning: String) {
        self.draft.warnings.push(warning);
    }

    /// Ends the layer: every directory above something written or removed is written too, as the tree has it.
    pub fn finish(mut self) -> Draft {
        let draft = &self.draft;
        let wanted = draft.nodes.keys().map(String::as_str).chain(draft.whiteouts()).flat_map(parents);
        let missing: Vec<Node> = wanted
            .filter(|path| !draft.nodes.contains_key(*path))
            .filter_map(|path| self.tree.get(path).cloned())
            .collect();
        self.draft.nodes.extend(missing.into_iter().map(|node| (node.entry.path.clone(), node)));
        self.draft
    }

    /// Puts a node; links of its parent are followed, and for a directory a link at its own path too.
    ///
    /// `parent` gives the entry of a directory of the source, for parents that the tree lacks; without one they are
    /// 0755 and owned by root.
    pub fn put(&mut self, mut node: Node, parent: &dyn Fn(&str) -> Option<Entry>) {
        let origin = node.origin.clone();
        let Some(path) = self.place(&node.entry, &origin) else { return };
        if is_refused(&node.entry.kind) {
            let word = node.entry.kind.word();
            return self.problem(MergeProblem::Kind { origin, path, word });
        }
        if let EntryKind::Hardlink { target } = node.entry.kind {
            return self.problem(MergeProblem::Link { origin, path, target });
        }
        let source_path = std::mem::replace(&mut node.entry.path, path);
        self.make_parents(&node, &source_path, parent);
        self.put_at(node);
    }

    /// Puts a file whose bytes are here.
    pub fn put_file(&mut self, path: &str, content: &[u8], metadata: Metadata, origin: Origin) {
        let kind = EntryKind::File { size: content.len() as u64, digest: Digest::of(content) };
        let (entry, source) = (metadata.entry(path, kind), Source::Inline(Arc::from(content)));
        self.put(Node { entry, linked_to: None, origin, source }, &|_| None);
    }

    /// Puts a file that is computed from the tree; nothing where the same stands there.
    ///
    /// What an artifact or the document brought to its path stays, and wins a collision.
    pub fn put_computed(&mut self, path: &str, content: &[u8], metadata: Metadata, effect: &str) {
        let origin = Origin::Generated(effect.to_owned());
        let kind = EntryKind::File { size: content.len() as u64, digest: Digest::of(content) };
        let place = self.tree.resolve_parent(path).ok();
        let Some(existing) = place.and_then(|place| self.tree.get(&place)) else {
            return self.put_file(path, content, metadata, origin);
        };
        let Some(kind) = difference(&existing.entry, &metadata.entry(&existing.entry.path, kind)) else {
            return;
        };
        if !matches!(existing.origin, Origin::Artifact(_) | Origin::Document) {
            return self.put_file(path, content, metadata, origin);
        }
        let (path, winner) = (existing.entry.path.clone(), existing.origin.clone());
        self.draft.collisions.insert(Collision { path, loser: origin, winner, kind });
    }

    /// Puts a directory; one that is there stays as it is.
    pub fn put_directory(&mut self, path: &str, metadata: Metadata, origin: Origin) {
        let entry = metadata.entry(path, EntryKind::Directory);
        self.put(Node { entry, linked_to: None, origin, source: Source::None }, &|_| None);
    }

    /// Puts a symbolic link, owned by root.
    pub fn put_symlink(&mut self, path: &str, target: &str, mtime: i64, origin: Origin) {
        let kind = EntryKind::Symlink { target: target.to_owned() };
        let entry = Metadata::of_root(0o777, mtime).entry(path, kind);
        self.put(Node { entry, linked_to: None, origin, source: Source::None }, &|_| None);
    }

    /// Changes mode, owner or group of what is at a path, links of its parent followed; nothing where nothing is.
    ///
    /// What a layer below has is written again; its content then comes from there.
    pub fn change_metadata(
        &mut self,
        path: &str,
        (mode, uid, gid): (Option<u32>, Option<u64>, Option<u64>),
        origin: &Origin,
    ) {
        let place = self.tree.resolve_parent(path).ok();
        let Some(node) = place.and_then(|place| self.tree.get_mut(&place)) else { return };
        let entry = &mut node.entry;
        let changed = (mode.unwrap_or(entry.mode), uid.unwrap_or(entry.uid), gid.unwrap_or(entry.gid));
        if changed == (entry.mode, entry.uid, entry.gid) {
            return;
        }
        (entry.mode, entry.uid, entry.gid) = changed;
        let path = entry.path.clone();
        if !self.draft.nodes.contains_key(&path) {
            node.origin = origin.clone();
            self.draft.replaced.insert(path.clone());
        }
        self.draft.nodes.insert(path, node.clone());
    }

    /// Removes a path with everything below it; links of its parent are followed.
    pub fn remove(&mut self, path: &str) {
        let Ok(path) = self.tree.resolve_parent(path) else { return };
        for node in self.tree.remove(&path) {
            let path = node.entry.path;
            let was_below = match self.draft.nodes.remove(&path) {
                Some(_) => self.draft.replaced.remove(&path),
                None => true,
            };
            if was_below {
                self.draft.removed.insert(path);
            }
        }
    }

    /// Returns where an entry goes, or reports why it goes nowhere.
    fn place(&mut self, entry: &Entry, origin: &Origin) -> Option<String> {
        let origin = origin.clone();
        let is_plain = temper_oci::normalize_path(&entry.path).is_some_and(|path| path == entry.path);
        if !is_plain || is_reserved(&entry.path) || entry.path.is_empty() {
            self.problem(MergeProblem::Name { origin, path: entry.path.clone() });
            return None;
        }
        match self.resolve(entry) {
            // A link may lead where no name could: its target is text that nobody has checked.
            Ok(path) if is_reserved(&path) => self.problem(MergeProblem::Name { origin, path }),
            Ok(path) => return Some(path),
            Err(error) => self.problem(MergeProblem::Path { origin, error }),
        }
        None
    }

    /// Follows the links of the tree: a directory goes through a link at its own path, unless that is a file's.
    fn resolve(&self, entry: &Entry) -> Result<String, PathError> {
        let path = self.tree.resolve_parent(&entry.path)?;
        if entry.kind != EntryKind::Directory {
            return Ok(path);
        }
        let through = self.tree.resolve(&path)?;
        match self.tree.get(&through) {
            Some(node) if node.entry.kind != EntryKind::Directory => Ok(path),
            _ => Ok(through),
        }
    }

    /// Makes the directories above a node that the tree lacks; `source_path` is the node's path in its source.
    fn make_parents(&mut self, node: &Node, source_path: &str, parent: &dyn Fn(&str) -> Option<Entry>) {
        // Where the path was rewritten, the source's directories are counted from its end.
        let sources: Vec<&str> = parents(source_path).collect();
        let missing: Vec<(String, Option<&str>)> = parents(&node.entry.path)
            .enumerate()
            .take_while(|(_, path)| self.tree.get(path).is_none())
            .map(|(at, path)| (path.to_owned(), sources.get(at).copied()))
            .collect();
        for (path, source) in missing.into_iter().rev() {
            let known = source.and_then(parent).filter(|entry| entry.kind == EntryKind::Directory);
            let plain = || Metadata::of_root(0o755, node.entry.mtime).entry(&path, EntryKind::Directory);
            let entry = known.map_or_else(plain, |entry| Entry { path: path.clone(), ..entry });
            let origin = node.origin.clone();
            self.put_at(Node { entry, linked_to: None, origin, source: Source::None });
        }
    }

    /// Puts a node exactly at its path.
    fn put_at(&mut self, node: Node) {
        let path = node.entry.path.clone();
        let is_directory = node.entry.kind == EntryKind::Directory;
        if let Some(existing) = self.tree.get(&path) {
            let existing_is_directory = existing.entry.kind == EntryKind::Directory;
            if existing_is_directory && is_directory {
                return;
            }
            if existing_is_directory && self.tree.descendants(&path).next().is_some() {
                let (origin, word) = (node.origin, node.entry.kind.word());
                return self.problem(MergeProblem::OverDirectory { origin, path, word });
            }
            let (loser, kind) = (existing.origin.clone(), difference(&existing.entry, &node.entry));
            self.collide(&path, loser, node.origin.clone(), kind);
            if !self.draft.nodes.contains_key(&path) {
                self.draft.replaced.insert(path.clone());
            }
        }
        if self.draft.removed.remove(&path) {
            self.draft.replaced.insert(path.clone());
        }
        self.draft.nodes.insert(path, node.clone());
        self.tree.put(node);
    }

    /// Notes a collision between different origins; what is computed from what it replaces wins over nobody.
    fn collide(&mut self, path: &str, loser: Origin, winner: Origin, kind: Option<CollisionKind>) {
        if let Some(kind) = kind
            && loser != winner
            && !matches!(winner, Origin::Generated(_))
        {
            self.draft.collisions.insert(Collision { path: path.to_owned(), loser, winner, kind });
        }
    }
}

/// Whether a layer with this path would remove something.
fn is_reserved(path: &str) -> bool {
    path.split('/').any(|component| component.starts_with(WHITEOUT))
}

/// Whether packages, artifacts and documents must not bring this.
fn is_refused(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::CharacterDevice { .. } | EntryKind::BlockDevice { .. })
}

#[cfg(test)]
mod tests;
