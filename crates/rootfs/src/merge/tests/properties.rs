//! What holds for any tree and any entries.

use proptest::prelude::*;

use super::*;

/// Short names, so that links, directories and files meet.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[abc]|\\.\\.|\\.wh\\.a|", 1..4).prop_map(|components| components.join("/"))
}

fn line() -> impl Strategy<Value = String> {
    let target = proptest::collection::vec("[abc]|\\.\\.|\\.|\\.wh\\.a", 1..4)
        .prop_map(|components| components.join("/"));
    prop_oneof![
        path().prop_map(|path| format!("{path}/")),
        (path(), "/?", target).prop_map(|(path, slash, target)| format!("{path} -> {slash}{target}")),
        (path(), "[xy]").prop_map(|(path, content)| format!("{path} = {content}")),
    ]
}

/// Makes a tree of lines in which nothing stands below something that is no directory.
fn any_tree(lines: &[String]) -> Tree {
    let mut tree = Tree::default();
    let mut merge = Merge::new(&mut tree);
    for line in lines {
        let entry = entry(line, &mut Facts::default());
        let node = Node { entry, linked_to: None, origin: Origin::Base, source: Source::None };
        merge.put(node, &|_| None);
    }
    drop(merge);
    tree
}

proptest! {
    #[test]
    fn a_merge_never_leaves_the_root_and_its_draft_is_whole(
        base in proptest::collection::vec(line(), 0..8),
        added in proptest::collection::vec(line(), 0..8),
        removed in proptest::collection::vec(path(), 0..3),
    ) {
        let mut tree = any_tree(&base);
        let before = tree.clone();
        let mut merge = Merge::new(&mut tree);
        for path in &removed {
            merge.remove(path);
        }
        for line in &added {
            let entry = entry(line, &mut Facts::default());
            let node = Node { entry, linked_to: None, origin: Origin::Document, source: Source::None };
            merge.put(node, &|_| None);
        }
        let draft = merge.finish();
        for node in draft.nodes() {
            let path = &node.entry.path;
            prop_assert_eq!(temper_oci::normalize_path(path), Some(path.clone()));
            prop_assert!(path.split('/').all(|component| !component.starts_with(".wh.")));
            // Every parent is written as a directory, and no directory takes the place of a link to one.
            for parent in parents(path) {
                let parent = draft.get(parent).expect("parent is written");
                prop_assert!(parent.entry.kind == EntryKind::Directory);
            }
            prop_assert_eq!(Some(node), tree.get(path));
        }
        let whiteouts: Vec<&str> = draft.whiteouts().collect();
        for path in &whiteouts {
            prop_assert!(before.get(path).is_some() && tree.get(path).is_none());
            prop_assert!(draft.get(path).is_none());
            prop_assert!(parents(path).all(|parent| draft.get(parent).is_some()));
        }
        // The layer on top of the base gives the tree of the merge.
        let mut layered = before;
        for path in &whiteouts {
            layered.remove(path);
        }
        for node in draft.nodes() {
            layered.put(node.clone());
        }
        prop_assert!(layered.nodes().eq(tree.nodes()));
    }

    #[test]
    fn the_order_of_packages_does_not_matter(
        files in proptest::collection::vec(("[abc]", line()), 0..10),
        shift in 0_usize..3,
    ) {
        let mut debs: Vec<Deb> = ["a", "b", "c"].map(|name| Deb::new(name, "1")).to_vec();
        let mut seen = std::collections::BTreeSet::new();
        for (name, line) in &files {
            let entry = entry(line, &mut Facts::default());
            let is_plain = temper_oci::normalize_path(&entry.path).is_some_and(|path| path == entry.path && !path.is_empty());
            if !is_plain || entry.path.contains(".wh.") || !seen.insert((name.clone(), entry.path.clone())) {
                continue;
            }
            let deb = &mut debs[usize::from(name.as_bytes()[0] - b'a')];
            *deb = match &entry.kind {
                EntryKind::Symlink { target } => deb.clone().symlink(&entry.path, target),
                EntryKind::Directory => deb.clone().dir(&entry.path, 0o755),
                _ => deb.clone().file(&entry.path, 0o644, line.as_bytes()),
            };
        }
        let indexes: Vec<PackageIndex> = debs.iter().filter_map(|deb| {
            index_package(deb.build().as_slice(), &PackageLimits::default(), &ScanLimits::default(), 0).ok()
        }).map(|package| package.index).collect();
        let source = |index| PackageSource { archive: Digest::of("deb"), index };
        let mut sources: Vec<PackageSource<'_>> = indexes.iter().map(source).collect();
        let installed = Installed::default();
        let expected = merge_packages(&mut Tree::default(), &installed, &sources, &[]);
        if !sources.is_empty() {
            let length = sources.len();
            sources.rotate_left(shift % length);
        }
        prop_assert_eq!(merge_packages(&mut Tree::default(), &installed, &sources, &[]), expected);
    }
}
