//! What one layer is going to write: the result of a merge, before any byte is.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::{Entry, EntryKind};

use crate::merge::MergeProblem;
use crate::segment::Segment;
use crate::tree::{Node, Origin};

/// What one layer writes and removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What is written, by path; directories are there as far as something below them is written or removed.
    pub(crate) nodes: BTreeMap<String, Node>,
    /// Paths of the layers below that go away, everything below a removed directory included.
    pub(crate) removed: BTreeSet<String>,
    /// Written paths that the layers below have too.
    pub(crate) replaced: BTreeSet<String>,
    /// Every path that won over another one.
    pub collisions: BTreeSet<Collision>,
    /// Why the draft must not be written.
    pub problems: Vec<MergeProblem>,
    /// What somebody should know, each one sentence.
    pub warnings: Vec<String>,
}

/// One path that two sides wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collision {
    /// Where, in the form of `Entry::path`.
    pub path: String,
    /// Who lost.
    pub loser: Origin,
    /// Who won.
    pub winner: Origin,
    /// What became different.
    pub kind: CollisionKind,
}

/// What a collision changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CollisionKind {
    /// The content, or the target of a link.
    Content,
    /// Owner, mode or extended attributes alone.
    Metadata,
    /// The type.
    Type,
    /// Nothing: a configuration file that was changed stays, the package's own goes beside it.
    Kept,
}

impl Draft {
    /// Whether nothing is written and nothing removed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.removed.is_empty()
    }

    /// Lists what is written, in the order of paths.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Returns what is written at a path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Lists the paths that need a whiteout, in order: the topmost of what goes away.
    pub fn whiteouts(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(String::as_str).filter(|path| !self.is_covered(path))
    }

    /// Lists written files that run with the rights of their owner or group, or with capabilities.
    pub fn privileged(&self) -> impl Iterator<Item = &Node> {
        self.nodes().filter(|node| {
            let entry = &node.entry;
            let is_file = matches!(entry.kind, EntryKind::File { .. });
            is_file && (entry.mode & 0o6000 != 0 || entry.xattrs.contains_key("security.capability"))
        })
    }

    /// Cuts the draft into the segments of a packages layer; times are clamped to `time`.
    ///
    /// First all directories with the whiteouts, then one segment for each package by name, then what was generated.
    /// So a package's segment is the same in every image that unpacks it the same way.
    pub fn package_segments(&self, time: i64) -> Vec<Segment> {
        let is_directory = |node: &&Node| matches!(node.entry.kind, EntryKind::Directory);
        let directories = Segment::new(self.nodes().filter(is_directory), self.whiteouts(), time);
        let mut packages: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
        let mut others = Vec::new();
        for node in self.nodes().filter(|node| !is_directory(node)) {
            match &node.origin {
                Origin::Package(name) => packages.entry(name).or_default().push(node),
                _ => others.push(node),
            }
        }
        let mut segments = vec![directories];
        segments.extend(packages.into_values().map(|nodes| Segment::new(nodes, [], time)));
        segments.push(Segment::new(others, [], time));
        segments.retain(|segment| !segment.is_empty());
        segments
    }

    /// Returns the one segment of any other layer; times are clamped to `time`.
    pub fn segment(&self, time: i64) -> Segment {
        Segment::new(self.nodes(), self.whiteouts(), time)
    }

    /// Whether a whiteout of `path` says nothing new: a directory above it goes away, or becomes something else.
    fn is_covered(&self, path: &str) -> bool {
        parents(path).any(|parent| match self.nodes.get(parent) {
            Some(node) => !matches!(node.entry.kind, EntryKind::Directory),
            None => self.removed.contains(parent),
        })
    }
}

/// Tells what differs between two entries of one path; nothing if a reader would see no difference.
pub(crate) fn difference(a: &Entry, b: &Entry) -> Option<CollisionKind> {
    if std::mem::discriminant(&a.kind) != std::mem::discriminant(&b.kind) {
        return Some(CollisionKind::Type);
    }
    if a.kind != b.kind {
        return Some(CollisionKind::Content);
    }
    // The mode of a symbolic link means nothing.
    let is_symlink = matches!(a.kind, EntryKind::Symlink { .. });
    let is_equal = (a.uid, a.gid, &a.xattrs) == (b.uid, b.gid, &b.xattrs) && (is_symlink || a.mode == b.mode);
    (!is_equal).then_some(CollisionKind::Metadata)
}

/// Lists the directories above a path, nearest first, without the root.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(parent, _)| parent.rsplit_once('/'))
        .map(|(parent, _)| parent)
}
