//! Trees and drafts as text, one path a line: `usr/` is a directory, `bin -> usr/bin` a link, `etc/x = text` a file.

use temper_deb::package::PackageLimits;
use temper_oci::{Digest, Facts, LayerIndex, Record, ScanLimits};
use temper_testkit::Deb;

use super::*;
use crate::effects::Change;
use crate::installed::{Installed, PackageName};
use crate::package_index::{PackageIndex, index_package};

mod artifacts;
mod packages;
mod properties;

const TIME: i64 = 1_700_000_000;

/// Reads one line of a tree.
fn entry(line: &str, facts: &mut Facts) -> Entry {
    let of_root = |path: &str, mode, kind| Metadata::of_root(mode, TIME).entry(path, kind);
    if let Some((path, target)) = line.split_once(" -> ") {
        return of_root(path, 0o777, EntryKind::Symlink { target: target.to_owned() });
    }
    if let Some((path, content)) = line.split_once(" = ") {
        let content = content.replace("\\n", "\n").into_bytes();
        let digest = Digest::of(&content);
        let size = content.len() as u64;
        facts.kept.insert(digest, content);
        return of_root(path, 0o644, EntryKind::File { size, digest });
    }
    of_root(line.trim_end_matches('/'), 0o755, EntryKind::Directory)
}

/// Makes the tree of one layer; parents have to be lines of their own.
fn tree(lines: &[&str]) -> Tree {
    let mut facts = Facts::default();
    let records = lines.iter().map(|line| Record::Entry(entry(line, &mut facts))).collect();
    let facts = Arc::new(facts);
    let index = LayerIndex { diff_id: Digest::of(""), uncompressed_size_bytes: 0, records, facts };
    Tree::stack([(Digest::of("base"), &index)])
}

fn kind_text(tree: &Tree, node: &Node) -> String {
    match &node.entry.kind {
        EntryKind::Directory => "/".to_owned(),
        EntryKind::Symlink { target } => format!(" -> {target}"),
        EntryKind::File { digest, .. } => {
            let content = tree.content(digest).map(String::from_utf8_lossy);
            format!(" = {}", content.map_or_else(|| digest.short(), |text| text.replace('\n', "\\n")))
        }
        kind => format!(" is a {}", kind.word()),
    }
}

/// Writes a draft: written paths with their origin unless they are the base's, then whiteouts.
fn dump(tree: &Tree, draft: &Draft) -> Vec<String> {
    let written = draft.nodes().map(|node| {
        let origin = match &node.origin {
            Origin::Base => String::new(),
            Origin::Package(name) | Origin::Artifact(name) | Origin::Generated(name) => format!("{name}: "),
            Origin::Document => "document: ".to_owned(),
        };
        format!("{origin}{}{}", node.entry.path, kind_text(tree, node))
    });
    written.chain(draft.whiteouts().map(|path| format!("- {path}"))).collect()
}

fn problems(draft: &Draft) -> Vec<String> {
    draft.problems.iter().map(ToString::to_string).collect()
}

fn collisions(draft: &Draft) -> Vec<String> {
    let text = |collision: &Collision| {
        let Collision { path, loser, winner, kind } = collision;
        format!("{path}: {loser:?} < {winner:?} {kind:?}")
    };
    draft.collisions.iter().map(text).collect()
}

/// Puts files of the document, path and content each, and returns what their layer writes.
fn document(tree: &mut Tree, files: &[(&str, &str)]) -> Draft {
    let mut merge = Merge::new(tree);
    for (path, content) in files {
        merge.put_file(path, content.as_bytes(), Metadata::of_root(0o644, TIME), Origin::Document);
    }
    merge.finish()
}

#[test]
fn the_document_goes_through_links_and_brings_parents() {
    let mut base = tree(&["usr/", "usr/bin/", "bin -> usr/bin", "etc/", "etc/motd = old", "run -> var/run"]);
    let files = [("/bin/start", "go"), ("/etc/motd", "new"), ("/opt/a/b", "x"), ("/run/x", "y")];
    let draft = document(&mut base, &files);
    assert_eq!(
        dump(&base, &draft),
        [
            "etc/",
            "document: etc/motd = new",
            "document: opt/",
            "document: opt/a/",
            "document: opt/a/b = x",
            "usr/",
            "usr/bin/",
            "document: usr/bin/start = go",
            "document: var/",
            "document: var/run/",
            "document: var/run/x = y",
        ]
    );
    assert_eq!(collisions(&draft), ["etc/motd: Base < Document Content"]);
    assert_eq!(base.read("bin/start"), Some(b"go".as_slice()));
}

#[test]
fn names_and_places_that_cannot_be_are_problems() {
    let mut base = tree(&["usr/", "usr/bin/", "usr/bin/sh = sh", "loop -> loop", "mask -> usr/.wh.bin"]);
    let files = [
        ("/mask/x", ""),
        ("/usr/../etc/x", ""),
        ("/etc/.wh.passwd", ""),
        ("/.wh..wh..opq/x", ""),
        ("/", ""),
        ("/usr/bin", "file"),
        ("/usr/bin/sh/x", ""),
        ("/loop/x", ""),
        ("/new\0", ""),
    ];
    let draft = document(&mut base, &files);
    let refused = "is empty, has a `..`, a NUL byte or a reserved `.wh.` name";
    assert_eq!(
        problems(&draft),
        [
            format!("the document brings the path `usr/.wh.bin/x`, which {refused}"),
            format!("the document brings the path `/usr/../etc/x`, which {refused}"),
            format!("the document brings the path `etc/.wh.passwd`, which {refused}"),
            format!("the document brings the path `.wh..wh..opq/x`, which {refused}"),
            format!("the document brings the path ``, which {refused}"),
            "the document brings a file at `/usr/bin`, where the tree has a directory that is not empty"
                .to_owned(),
            "the document brings a path that cannot be followed".to_owned(),
            "the document brings a path that cannot be followed".to_owned(),
            format!("the document brings the path `/new\0`, which {refused}"),
        ]
    );
    assert!(draft.is_empty());
}

#[test]
fn removals_are_one_whiteout_for_what_goes_and_never_hide_what_is_written() {
    let mut base = tree(&["a/", "a/b/", "a/b/c = 1", "a/b/d = 2", "a/e = 3", "f = 4", "l -> a"]);
    let mut merge = Merge::new(&mut base);
    merge.remove("a/b");
    merge.remove("l/e");
    merge.remove("f");
    merge.remove("missing");
    merge.put_file("a/b/d", b"new", Metadata::of_root(0o644, TIME), Origin::Document);
    merge.put_file("g", b"5", Metadata::of_root(0o644, TIME), Origin::Document);
    merge.remove("g");
    let draft = merge.finish();
    assert_eq!(
        dump(&base, &draft),
        ["a/", "document: a/b/", "document: a/b/d = new", "- a/b/c", "- a/e", "- f"]
    );
    let mut base = tree(&["a/", "a/b/", "a/b/c = 1"]);
    let mut merge = Merge::new(&mut base);
    merge.remove("a/b");
    let draft = merge.finish();
    assert_eq!(dump(&base, &draft), ["a/", "- a/b"]);
}

#[test]
fn changes_of_effects_join_the_packages_layer_and_yield_to_artifacts() {
    let mut base = tree(&["etc/", "etc/a = 1", "etc/b = 2", "usr/", "usr/bin/", "usr/bin/x = program"]);
    drop(document(&mut base, &[("/etc/taken", "document")]));
    let file = |path: &str| Change::File {
        path: path.to_owned(),
        content: b"generated".to_vec(),
        mode: 0o644,
        uid: 0,
        gid: 0,
    };
    let program = base.get("usr/bin/x").cloned().expect("is there");
    let changes = [
        file("etc/a"),
        file("etc/taken"),
        file("var/lib/state"),
        Change::Copy {
            path: "etc/copy".to_owned(),
            kind: program.entry.kind,
            source: program.source,
            mode: 0o600,
            uid: 1,
            gid: 2,
        },
        Change::Symlink { path: "etc/link".to_owned(), target: "a".to_owned() },
        Change::Metadata { path: "usr/bin/x".to_owned(), mode: Some(0o4755), uid: None, gid: Some(7) },
        Change::Metadata { path: "etc/b".to_owned(), mode: Some(0o644), uid: None, gid: None },
        Change::Directory { path: "etc".to_owned(), mode: 0o700, uid: 0, gid: 0 },
        Change::Remove { path: "etc/b".to_owned() },
    ];
    let draft =
        merge_changes(&mut base, Draft::default(), changes.iter().map(|change| ("test", change)), TIME);
    assert_eq!(
        dump(&base, &draft),
        [
            "test: etc/",
            "test: etc/a = generated",
            "test: etc/copy = program",
            "test: etc/link -> a",
            "usr/",
            "usr/bin/",
            "test: usr/bin/x = program",
            "test: var/",
            "test: var/lib/",
            "test: var/lib/state = generated",
            "- etc/b",
        ]
    );
    assert_eq!(collisions(&draft), [""; 0]);
    let node = draft.get("usr/bin/x").expect("is written");
    assert_eq!((node.entry.mode, node.entry.uid, node.entry.gid), (0o4755, 0, 7));
    assert_eq!(draft.privileged().count(), 1);
    let segments = draft.package_segments(TIME);
    assert_eq!(segments.len(), 2);
}
