//! A file system as metadata only: layer indexes stacked with whiteouts applied, then changed path by path.

use std::collections::BTreeMap;
use std::sync::Arc;

use temper_oci::{Digest, ElfFacts, Entry, EntryKind, Facts, LayerIndex, Record};

/// How many symbolic links one path may pass through, as in Linux (`path_resolution(7)`).
const LINKS_MAX: usize = 40;

/// One path of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its metadata. A hard link stands as the file that it names, see [`Node::linked_to`].
    pub entry: Entry,
    /// The first name of the same file in the same archive, where the entry was a hard link.
    pub linked_to: Option<String>,
    /// Who put it there.
    pub origin: Origin,
    /// Where its bytes are.
    pub source: Source,
}

/// Who put a path into a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The base image.
    Base,
    /// A package, by name.
    Package(String),
    /// A file that the effect of a package's installation generates, by the effect's name.
    Generated(String),
    /// An artifact, by its reference.
    Artifact(String),
    /// The customization document itself.
    Document,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Not a file, so there are none.
    None,
    /// In a layer blob.
    Layer {
        /// Digest of the blob.
        blob: Digest,
        /// Path of the entry in the archive.
        member: String,
    },
    /// In the data member of a package file.
    Package {
        /// Digest of the `.deb`.
        archive: Digest,
        /// Path of the entry in the data archive.
        member: String,
    },
    /// Here.
    Inline(Arc<[u8]>),
}

/// A path that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// More symbolic links than Linux would follow.
    #[error("path `/{0}` passes through more than 40 symbolic links")]
    Links(String),
    /// A component in the middle is no directory.
    #[error("path `/{path}` passes through `/{at}`, which is a {word}")]
    NotDirectory {
        /// The whole path.
        path: String,
        /// Its part that is no directory.
        at: String,
        /// What it is instead.
        word: &'static str,
    },
}

/// A file system as metadata. The root directory itself has no node.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    facts: Vec<Arc<Facts>>,
    inline: BTreeMap<Digest, Arc<[u8]>>,
}

impl Tree {
    /// Stacks layers, lowest first, each with the digest of its blob.
    pub fn stack<'a>(layers: impl IntoIterator<Item = (Digest, &'a LayerIndex)>) -> Self {
        let mut tree = Self::default();
        for (blob, index) in layers {
            tree.apply_layer(blob, index);
        }
        tree
    }

    /// Applies one more layer: its whiteouts first, then its entries.
    ///
    /// Whiteouts reach only the layers below, wherever they stand in the archive
    /// ([image specification, "Whiteouts"](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts)).
    fn apply_layer(&mut self, blob: Digest, index: &LayerIndex) {
        for record in &index.records {
            match record {
                Record::Whiteout(path) => drop(self.remove(path)),
                Record::Opaque(path) => drop(self.remove_below(path)),
                Record::Entry(_) => {}
            }
        }
        for record in &index.records {
            if let Record::Entry(entry) = record {
                let source = Source::Layer { blob, member: entry.path.clone() };
                self.put(self.node(entry.clone(), Origin::Base, source));
            }
        }
        self.add_facts(Arc::clone(&index.facts));
    }

    /// Makes a node of an archive's entry; a hard link takes the content of the path that it names in this tree.
    pub fn node(&self, mut entry: Entry, origin: Origin, source: Source) -> Node {
        let mut linked_to = None;
        let mut source = source;
        if let EntryKind::Hardlink { target } = &entry.kind
            && let Some(first) = self.nodes.get(target)
        {
            linked_to = Some(target.clone());
            source = first.source.clone();
            entry.kind = first.entry.kind.clone();
        }
        if !matches!(entry.kind, EntryKind::File { .. }) {
            source = Source::None;
        }
        Node { entry, linked_to, origin, source }
    }

    /// Makes what is known of some contents readable through this tree.
    pub fn add_facts(&mut self, facts: Arc<Facts>) {
        self.facts.push(facts);
    }

    /// Makes what is known of the contents of another tree readable through this one.
    pub fn add_facts_of(&mut self, other: &Self) {
        self.facts.extend(other.facts.iter().cloned());
        self.inline.extend(other.inline.iter().map(|(digest, bytes)| (*digest, Arc::clone(bytes))));
    }

    /// Puts a node at its path and returns what stood there; a directory keeps what is below it,
    /// anything else in a directory's place removes what was below.
    pub fn put(&mut self, node: Node) -> Option<Node> {
        if let Source::Inline(bytes) = &node.source
            && let EntryKind::File { digest, .. } = &node.entry.kind
        {
            self.inline.insert(*digest, Arc::clone(bytes));
        }
        let path = node.entry.path.clone();
        let is_directory = matches!(node.entry.kind, EntryKind::Directory);
        let before = self.nodes.insert(path.clone(), node);
        let was_directory =
            before.as_ref().is_some_and(|node| matches!(node.entry.kind, EntryKind::Directory));
        if was_directory && !is_directory {
            self.remove_below(&path);
        }
        before
    }

    /// Removes a path with everything below it; returns the removed nodes, the path itself first.
    pub fn remove(&mut self, path: &str) -> Vec<Node> {
        let mut removed: Vec<Node> = self.nodes.remove(path).into_iter().collect();
        removed.extend(self.remove_below(path));
        removed
    }

    fn remove_below(&mut self, path: &str) -> Vec<Node> {
        let below: Vec<String> = self.descendants(path).map(|node| node.entry.path.clone()).collect();
        below.iter().filter_map(|path| self.nodes.remove(path)).collect()
    }

    /// Returns the node at exactly this path; links are not followed.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Returns the node at exactly this path for a change of its metadata.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Node> {
        self.nodes.get_mut(path)
    }

    /// Returns the node that a path leads to when every symbolic link is followed inside the root.
    pub fn lookup(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&self.resolve(path).ok()?)
    }

    /// Returns the content of a file, symbolic links followed, if it is one of the kept or inline ones.
    pub fn read(&self, path: &str) -> Option<&[u8]> {
        match &self.lookup(path)?.entry.kind {
            EntryKind::File { digest, .. } => self.content(digest),
            _ => None,
        }
    }

    /// Returns a kept or inline content by its digest.
    pub fn content(&self, digest: &Digest) -> Option<&[u8]> {
        let kept = self.facts.iter().find_map(|facts| facts.kept.get(digest)).map(Vec::as_slice);
        kept.or_else(|| self.inline.get(digest).map(AsRef::as_ref))
    }

    /// Returns what is known of an ELF file by the digest of its content.
    pub fn elf(&self, digest: &Digest) -> Option<&ElfFacts> {
        self.facts.iter().find_map(|facts| facts.elf.get(digest))
    }

    /// Lists every node in the order of paths.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Lists everything below a directory (`""` for the root) in the order of paths; links are not followed.
    pub fn descendants(&self, path: &str) -> impl Iterator<Item = &Node> {
        let range = if path.is_empty() {
            self.nodes.range::<String, _>(..)
        } else {
            // `0` is the character after `/`.
            self.nodes.range(format!("{path}/")..format!("{path}0"))
        };
        range.map(|(_, node)| node)
    }

    /// Lists the direct children of a directory in the order of names; links are not followed.
    pub fn children<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a Node> {
        let skip = if path.is_empty() { 0 } else { path.len() + 1 };
        self.descendants(path).filter(move |node| !node.entry.path[skip..].contains('/'))
    }

    /// Returns where a path leads when every symbolic link is followed inside the root, the last one too.
    ///
    /// The path need not exist; the components after the first missing one are taken as they are.
    pub fn resolve(&self, path: &str) -> Result<String, PathError> {
        self.walk(path, true)
    }

    /// Returns where a path leads when the links of its parent are followed, but not a link at the path itself.
    pub fn resolve_parent(&self, path: &str) -> Result<String, PathError> {
        self.walk(path, false)
    }

    fn walk(&self, path: &str, follow_last: bool) -> Result<String, PathError> {
        let mut pending: Vec<String> = components(path).rev().map(str::to_owned).collect();
        let mut done = String::new();
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            let here = if done.is_empty() { name } else { format!("{done}/{name}") };
            match self.nodes.get(&here).map(|node| &node.entry.kind) {
                Some(EntryKind::Symlink { target }) if follow_last || !pending.is_empty() => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(PathError::Links(path.to_owned()));
                    }
                    if target.starts_with('/') {
                        done.clear();
                    }
                    pending.extend(components(target).rev().map(str::to_owned));
                }
                Some(kind) if !pending.is_empty() && !matches!(kind, EntryKind::Directory) => {
                    return Err(PathError::NotDirectory {
                        path: path.to_owned(),
                        at: here,
                        word: kind.word(),
                    });
                }
                _ => done = here,
            }
        }
        Ok(done)
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty() && *component != ".")
}

#[cfg(test)]
mod tests;
