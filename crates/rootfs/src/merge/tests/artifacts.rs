//! Selected paths of artifacts on trees.

use super::*;

const ARTIFACT: &[&str] = &[
    "usr/",
    "usr/lib/",
    "usr/lib/liba.so.1 = a",
    "usr/lib/liba.so -> liba.so.1",
    "lib -> usr/lib",
    "etc/",
    "etc/ssl/",
    "etc/ssl/certs/",
    "etc/ssl/certs/one.pem = 1",
    "etc/ssl/certs/two.pem = 2",
    "srv/",
    "srv/data/",
    "srv/data/x = x",
];

fn merged(base: &mut Tree, artifact: &Tree, includes: &[&str], excludes: &[&str]) -> Draft {
    let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>();
    let (includes, excludes) = (owned(includes), owned(excludes));
    let selection =
        ArtifactSelection { reference: "certs", tree: artifact, includes: &includes, excludes: &excludes };
    merge_artifact(base, &selection)
}

#[test]
fn only_what_is_included_and_not_excluded_is_taken() {
    for (includes, excludes, expected) in [
        (
            vec!["/etc/ssl/certs"],
            vec!["etc/ssl/certs/two.*"],
            vec!["etc/", "certs: etc/ssl/", "certs: etc/ssl/certs/", "certs: etc/ssl/certs/one.pem = 1"],
        ),
        (
            vec!["**/*.pem"],
            vec!["**/one.pem"],
            vec!["etc/", "certs: etc/ssl/", "certs: etc/ssl/certs/", "certs: etc/ssl/certs/two.pem = 2"],
        ),
        // A literal include goes through the artifact's links, and lands where the base's links lead.
        (
            vec!["lib/liba.so.?", "/lib/liba.so"],
            vec![],
            vec!["certs: usr/", "certs: usr/lib/", "certs: usr/lib/liba.so -> liba.so.1"],
        ),
        // So does a literal exclude: what it names stays out, whichever way an include has come.
        (
            vec!["lib/liba.so", "usr/lib/liba.so.1"],
            vec!["lib/liba.so.1"],
            vec!["certs: usr/", "certs: usr/lib/", "certs: usr/lib/liba.so -> liba.so.1"],
        ),
    ] {
        let artifact = tree(ARTIFACT);
        let mut base = tree(&["etc/"]);
        let draft = merged(&mut base, &artifact, &includes, &excludes);
        assert_eq!(dump(&base, &draft), expected, "{includes:?}");
    }
}

#[test]
fn patterns_that_match_nothing_are_told() {
    let artifact = tree(ARTIFACT);
    let draft = merged(&mut Tree::default(), &artifact, &["srv/data", "opt/one.pem"], &["srv/y", "etc"]);
    assert_eq!(
        problems(&draft),
        ["`includes` of artifact `certs` name `opt/one.pem`, which matches nothing in it"]
    );
    assert_eq!(draft.problems[0].hint().as_deref(), Some("the artifact has `etc/ssl/certs/one.pem`"));
    assert_eq!(
        draft.warnings,
        [
            "`excludes` of artifact `certs` name `srv/y`, which matches nothing",
            "`excludes` of artifact `certs` name `etc`, which matches nothing",
        ]
    );
}

#[test]
fn links_of_the_base_lead_the_way_and_are_not_replaced_by_directories() {
    let artifact = tree(&["lib/", "lib/x = 1", "bin/", "bin/y = 2", "opt -> usr", "opt2/"]);
    let mut base = tree(&["usr/", "usr/lib/", "lib -> usr/lib", "opt/", "opt/z = 3", "opt2 = file"]);
    let draft = merged(&mut base, &artifact, &["/"], &[]);
    assert_eq!(
        dump(&base, &draft),
        ["certs: bin/", "certs: bin/y = 2", "certs: opt2/", "usr/", "usr/lib/", "certs: usr/lib/x = 1",]
    );
    assert_eq!(
        problems(&draft),
        [
            "artifact `certs` brings a symbolic link at `/opt`, where the tree has a directory that is not empty"
        ]
    );
    assert_eq!(collisions(&draft), ["opt2: Base < Artifact(\"certs\") Type"]);
}

#[test]
fn a_link_whose_file_is_not_selected_is_a_file() {
    let mut facts = Facts::default();
    let mut records = vec![Record::Entry(entry("a = same", &mut facts))];
    for path in ["b", "c"] {
        let kind = EntryKind::Hardlink { target: "a".to_owned() };
        records.push(Record::Entry(Metadata::of_root(0o644, TIME).entry(path, kind)));
    }
    let lost = EntryKind::Hardlink { target: "nothing".to_owned() };
    records.push(Record::Entry(Metadata::of_root(0o644, TIME).entry("lost", lost)));
    let device = EntryKind::CharacterDevice { major: 1, minor: 3 };
    records.push(Record::Entry(Metadata::of_root(0o666, TIME).entry("null", device)));
    let (diff_id, facts) = (Digest::of(""), Arc::new(facts));
    let index = LayerIndex { diff_id, uncompressed_size_bytes: 0, records, facts };
    let artifact = Tree::stack([(Digest::of("blob"), &index)]);
    let draft = merged(&mut Tree::default(), &artifact, &["b", "c", "lost", "null"], &[]);
    let segment = draft.segment(TIME);
    let kinds: Vec<_> =
        segment.members.iter().map(|member| (&*member.entry.path, member.entry.kind.word())).collect();
    assert_eq!(kinds, [("b", "file"), ("c", "hard link")]);
    let source = Source::Layer { blob: Digest::of("blob"), member: "a".to_owned() };
    assert_eq!(segment.members[0].source, source);
    assert_eq!(
        problems(&draft),
        [
            "artifact `certs` brings a hard link `/lost` to `/nothing`, which it does not hold",
            "artifact `certs` brings a character device at `/null`, which only a base image may hold"
        ]
    );
}

#[test]
fn an_artifact_cannot_write_through_its_own_link() {
    let artifact =
        tree(&["usr/", "usr/share/", "usr/share/acme -> ../../etc", "usr/share/acme/passwd = root"]);
    let mut base = tree(&["etc/", "etc/passwd = p"]);
    let draft = merged(&mut base, &artifact, &["usr/share/acme"], &[]);
    let problems: Vec<String> = draft.problems.iter().map(|problem| format!("{problem:?}")).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("usr/share/acme/passwd"), "{problems:?}");
    assert!(draft.get("etc/passwd").is_none());
}
