//! The directories that `ldconfig` searches, in its order.

use std::collections::BTreeSet;

use temper_oci::EntryKind;

use crate::tree::Tree;

/// Included files may include others this deep.
const INCLUDE_DEPTH_MAX: usize = 8;
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
    let mut names = Vec::new();
    read(tree, "etc/ld.so.conf", 0, &mut names);
    names
}

fn read(tree: &Tree, path: &str, depth: usize, names: &mut Vec<String>) {
    let Some(text) = tree.read(path) else { return };
    for line in String::from_utf8_lossy(text).lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(patterns) = line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            if depth < INCLUDE_DEPTH_MAX {
                let included = patterns.split_whitespace().flat_map(|pattern| matching(tree, path, pattern));
                included.for_each(|included| read(tree, &included, depth + 1, names));
            }
        } else if line.starts_with('/') && names.len() < DIRECTORIES_MAX {
            // `=libc6` after a directory is a leftover that changes nothing.
            let name = line.split('=').next().unwrap_or_default().trim_end();
            let name = name.trim_end_matches('/');
            if !name.is_empty() {
                names.push(name.to_owned());
            }
        }
    }
}

/// Lists the files that an include pattern matches, in byte order; `*` and `?` only in the last component.
fn matching(tree: &Tree, from: &str, pattern: &str) -> Vec<String> {
    let pattern = if pattern.starts_with('/') {
        pattern.to_owned()
    } else {
        format!("{}/{pattern}", from.rsplit_once('/').map_or("", |(parent, _)| parent))
    };
    let Some((directory, glob)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Ok(directory) = tree.resolve(directory) else { return Vec::new() };
    let skip = directory.len() + 1;
    let names = tree.children(&directory).map(|node| &node.entry.path[skip..]);
    let matching = names.filter(|name| {
        (!name.starts_with('.') || glob.starts_with('.')) && matches(glob.as_bytes(), name.as_bytes())
    });
    matching.map(|name| format!("{directory}/{name}")).collect()
}

fn matches(glob: &[u8], name: &[u8]) -> bool {
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < name.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(expected) if *expected == b'?' || *expected == name[here] => (at, here) = (at + 1, here + 1),
            _ => {
                let Some((star_at, tried)) = star else { return false };
                star = Some((star_at, tried + 1));
                (at, here) = (star_at + 1, tried + 1);
            }
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_whole_names() {
        for (glob, name, expected) in [
            ("*.conf", "libc.conf", true),
            ("*.conf", "libc.conf.old", false),
            ("l?bc*", "libc", true),
            ("*a*b", "xaxb", true),
            ("", "", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(glob.as_bytes(), name.as_bytes()), expected, "{glob} {name}");
        }
    }
}
