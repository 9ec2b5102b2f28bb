//! Stacking, whiteouts, and the following of links.

use super::*;

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.to_owned(), kind, mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: BTreeMap::new() }
}

fn file(path: &str) -> Record {
    Record::Entry(entry(path, EntryKind::File { size: path.len() as u64, digest: Digest::of(path) }))
}

fn directory(path: &str) -> Record {
    Record::Entry(entry(path, EntryKind::Directory))
}

fn link(path: &str, target: &str) -> Record {
    Record::Entry(entry(path, EntryKind::Symlink { target: target.to_owned() }))
}

fn tree(layers: &[Vec<Record>]) -> Tree {
    let indexes: Vec<LayerIndex> = layers
        .iter()
        .map(|records| LayerIndex {
            diff_id: Digest::of("diff"),
            uncompressed_size_bytes: 0,
            records: records.clone(),
            facts: Arc::default(),
        })
        .collect();
    Tree::stack(indexes.iter().map(|index| (Digest::of("blob"), index)))
}

fn paths(tree: &Tree) -> Vec<&str> {
    tree.nodes().map(|node| node.entry.path.as_str()).collect()
}

#[test]
fn whiteouts_reach_only_the_layers_below() {
    let lower = vec![directory("a"), file("a/x"), file("a/y"), directory("b"), file("b/z"), file("b-c")];
    let upper = vec![file("b/new"), Record::Whiteout("a/x".into()), Record::Opaque("b".into())];
    assert_eq!(paths(&tree(&[lower, upper])), ["a", "a/y", "b", "b-c", "b/new"]);
}

#[test]
fn a_file_in_place_of_a_directory_removes_what_was_below() {
    assert_eq!(paths(&tree(&[vec![directory("a"), file("a/x")], vec![file("a")]])), ["a"]);
}

#[test]
fn a_directory_over_a_directory_keeps_what_is_below() {
    assert_eq!(paths(&tree(&[vec![directory("a"), file("a/x")], vec![directory("a")]])), ["a", "a/x"]);
}

#[test]
fn links_are_followed_inside_the_root() {
    let tree = tree(&[vec![
        link("bin", "usr/bin"),
        link("lib", "/usr/lib"),
        directory("usr"),
        directory("usr/bin"),
        file("usr/bin/sh"),
        link("usr/bin/up", "../../../../usr/bin/sh"),
        link("loop", "loop2"),
        link("loop2", "loop"),
        link("through", "usr/bin/sh/x"),
    ]]);
    for (path, expected) in [
        ("bin/sh", "usr/bin/sh"),
        ("bin", "usr/bin"),
        ("lib/x/y", "usr/lib/x/y"),
        ("bin/up", "usr/bin/sh"),
        ("", ""),
    ] {
        assert_eq!(tree.resolve(path).as_deref(), Ok(expected), "{path}");
    }
    assert_eq!(tree.resolve_parent("bin/up").as_deref(), Ok("usr/bin/up"));
    assert_eq!(tree.resolve_parent("bin").as_deref(), Ok("bin"));
    assert_eq!(tree.resolve("loop/x"), Err(PathError::Links("loop/x".into())));
    assert!(matches!(tree.resolve("through"), Err(PathError::NotDirectory { .. })));
    assert!(tree.lookup("bin/none").is_none());
}

#[test]
fn a_hard_link_stands_as_its_file() {
    let first = file("a");
    let second = Record::Entry(entry("b", EntryKind::Hardlink { target: "a".into() }));
    let tree = tree(&[vec![first, second]]);
    let node = tree.get("b").expect("is there");
    assert_eq!(node.linked_to.as_deref(), Some("a"));
    assert_eq!(node.entry.kind, EntryKind::File { size: 1, digest: Digest::of("a") });
}

#[test]
fn children_are_only_the_direct_ones() {
    let tree = tree(&[vec![directory("a"), file("a/x"), directory("a/d"), file("a/d/y"), file("ab")]]);
    let names = |path| tree.children(path).map(|node| node.entry.path.as_str()).collect::<Vec<_>>();
    assert_eq!(names("a"), ["a/d", "a/x"]);
    assert_eq!(names(""), ["a", "ab"]);
}
