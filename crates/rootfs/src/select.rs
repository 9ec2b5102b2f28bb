//! Which paths of an artifact are taken: its includes without its excludes.

use std::collections::BTreeMap;

use crate::pattern::Pattern;
use crate::tree::{Node, Tree};

/// How many like paths a problem names at most.
const NEAREST_MAX: usize = 3;

/// What a selection gives.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// Selected nodes, in the order of paths.
    pub nodes: Vec<&'a Node>,
    /// Includes that match nothing, each with paths that are like it.
    pub includes_unmatched: Vec<(String, Vec<String>)>,
    /// Excludes that match nothing that was included.
    pub excludes_unmatched: Vec<String>,
}

/// Selects the paths that some include matches and no exclude does.
///
/// A directory means everything below it. Patterns know `*` and `?` within one component and `**` across them; a
/// leading slash changes nothing. A pattern without these characters may lead through links of the tree.
pub fn select<'a>(tree: &'a Tree, includes: &[String], excludes: &[String]) -> Selection<'a> {
    let mut selection = Selection::default();
    let mut included: BTreeMap<&str, &Node> = BTreeMap::new();
    for include in includes {
        let matched = matched(tree, &Pattern::parse(include));
        if matched.is_empty() {
            selection.includes_unmatched.push((include.clone(), nearest(tree, include)));
        }
        included.extend(matched.into_iter().map(|node| (node.entry.path.as_str(), node)));
    }
    for exclude in excludes {
        let before = included.len();
        for node in matched(tree, &Pattern::parse(exclude)) {
            included.remove(node.entry.path.as_str());
        }
        if included.len() == before {
            selection.excludes_unmatched.push(exclude.clone());
        }
    }
    selection.nodes = included.into_values().collect();
    selection
}

fn matched<'a>(tree: &'a Tree, pattern: &Pattern) -> Vec<&'a Node> {
    let Some(literal) = pattern.literal() else {
        return tree.nodes().filter(|node| pattern.matches_or_contains(&node.entry.path)).collect();
    };
    let path = if tree.get(&literal).is_some() { Ok(literal) } else { tree.resolve_parent(&literal) };
    path.map(|path| tree.get(&path).into_iter().chain(tree.descendants(&path)).collect()).unwrap_or_default()
}

/// Lists paths with the same last component.
fn nearest(tree: &Tree, include: &str) -> Vec<String> {
    let name = include.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_like = |path: &str| !name.is_empty() && path.rsplit('/').next() == Some(name);
    let paths = tree.nodes().map(|node| &node.entry.path).filter(|path| is_like(path));
    paths.take(NEAREST_MAX).cloned().collect()
}
