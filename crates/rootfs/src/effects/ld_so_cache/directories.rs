//! The directories that `ldconfig` searches, in its order.

use std::collections::BTreeSet;

use temper_oci::EntryKind;

use crate::glob::Glob;
use crate::tree::Tree;

/// Files read at most; each may include others.
const FILES_MAX: usize = 256;
/// Patterns of includes followed at most.
const INCLUDES_MAX: usize = 256;
/// Directories read at most.
const DIRECTORIES_MAX: usize = 4096;

/// One directory to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    /// Its name as first seen, absolute, which stands in the cache.
    pub(super) name: String,
    /// Where it is in the tree.
    pub(super) path: String,
    /// The name below `glibc-hwcaps`, if it is such a directory.
    pub(super) hwcaps: Option<String>,
}

/// Lists the directories: those of `ld.so.conf`, then `/lib` and `/usr/lib`; each one once, under its first name,
/// followed by its `glibc-hwcaps` subdirectories.
pub(super) fn directories(tree: &Tree) -> Vec<Directory> {
    let mut names = configured(tree);
    names.extend(["/lib", "/usr/lib"].map(str::to_owned));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for name in names {
        let Ok(path) = tree.resolve(&name) else { continue };
        let is_directory = tree.get(&path).is_some_and(|node| node.entry.kind == EntryKind::Directory);
        if !is_directory || !seen.insert(path.clone()) {
            continue;
        }
        let hwcaps = format!("{path}/glibc-hwcaps");
        let subdirectories = tree.children(&hwcaps).filter(|node| node.entry.kind == EntryKind::Directory);
        let subdirectories: Vec<Directory> = subdirectories
            .map(|node| {
                let subname = &node.entry.path[hwcaps.len() + 1..];
                Directory {
                    name: format!("{name}/glibc-hwcaps/{subname}"),
                    path: node.entry.path.clone(),
                    hwcaps: Some(subname.to_owned()),
                }
            })
            .collect();
        found.push(Directory { name, path, hwcaps: None });
        found.extend(subdirectories);
    }
    found
}

/// Lists the directories that `/etc/ld.so.conf` names, with its includes.
pub(super) fn configured(tree: &Tree) -> Vec<String> {
    let mut configuration = Configuration { tree, names: Vec::new(), read: BTreeSet::new(), includes: 0 };
    configuration.read("etc/ld.so.conf");
    configuration.names
}

/// The files of `ld.so.conf` while they are read.
struct Configuration<'a> {
    tree: &'a Tree,
    names: Vec<String>,
    /// Files that were read: a second time they name nothing new.
    read: BTreeSet<String>,
    /// Patterns that were followed.
    includes: usize,
}

impl Configuration<'_> {
    fn read(&mut self, path: &str) {
        let Ok(path) = self.tree.resolve(path) else { return };
        if self.read.len() == FILES_MAX || !self.read.insert(path.clone()) {
            return;
        }
        let Some(text) = self.tree.read(&path) else { return };
        for line in String::from_utf8_lossy(text).lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
                Some(patterns) => self.include(&path, patterns),
                None => self.name(line),
            }
        }
    }

    fn include(&mut self, from: &str, patterns: &str) {
        for pattern in patterns.split_whitespace() {
            if self.includes < INCLUDES_MAX {
                self.includes += 1;
                for included in matching(self.tree, from, pattern) {
                    self.read(&included);
                }
            }
        }
    }

    fn name(&mut self, line: &str) {
        // `=libc6` after a directory is a leftover that changes nothing.
        let name = line.split('=').next().unwrap_or_default().trim_end().trim_end_matches('/');
        if name.starts_with('/') && self.names.len() < DIRECTORIES_MAX {
            self.names.push(name.to_owned());
        }
    }
}

/// Lists the files that an include pattern matches, in byte order; special characters only in the last component.
fn matching(tree: &Tree, from: &str, pattern: &str) -> Vec<String> {
    let pattern = if pattern.starts_with('/') {
        pattern.to_owned()
    } else {
        format!("{}/{pattern}", from.rsplit_once('/').map_or("", |(parent, _)| parent))
    };
    let Some((directory, pattern)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Ok(directory) = tree.resolve(directory) else { return Vec::new() };
    let skip = if directory.is_empty() { 0 } else { directory.len() + 1 };
    let (glob, is_hidden_too) = (Glob::parse(pattern), pattern.starts_with('.'));
    let children = tree.children(&directory).map(|node| node.entry.path.as_str());
    let matching = children.filter(|path| {
        let name = &path[skip..];
        (is_hidden_too || !name.starts_with('.')) && glob.matches(name)
    });
    matching.map(str::to_owned).collect()
}
