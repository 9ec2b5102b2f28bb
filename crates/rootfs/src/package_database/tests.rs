//! Databases of every form before and after packages come and go.

use temper_deb::package::PackageLimits;
use temper_oci::{Digest, ScanLimits};
use temper_testkit::Deb;

use super::*;
use crate::draft::Draft;
use crate::merge::merge_packages;
use crate::package_index::index_package;
use crate::tree::{Origin, Tree};

const TIME: i64 = 1_700_000_000;

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    let mut merge = Merge::new(&mut tree);
    for (path, content) in files {
        merge.put_file(path, content.as_bytes(), Metadata::of_root(0o640, TIME), Origin::Base);
    }
    drop(merge);
    tree
}

fn jq() -> Deb {
    Deb::new("jq", "1.7")
        .depends("libjq1")
        .file("usr/bin/jq", 0o755, b"program")
        .conffile("etc/jq.conf", b"value")
        .script("postinst", "#!/bin/sh\n")
        .control_file(
            "triggers",
            0o644,
            b"# why\ninterest-noawait /usr/share/jq\ninterest rebuild\nactivate x\n",
        )
}

fn libjq() -> Deb {
    Deb::new("libjq1", "1.7").field("Multi-Arch", "same").file("lib/libjq.so.1", 0o644, b"library")
}

/// Unpacks and removes packages, then writes the database on top; libraries are automatic.
fn written(base: &mut Tree, debs: &[Deb], removals: &[&str]) -> Draft {
    let index = |deb: &Deb| {
        let limits = (PackageLimits::default(), ScanLimits::default());
        index_package(deb.build().as_slice(), &limits.0, &limits.1, 0).expect("indexes").index
    };
    let installed = Installed::read(base).expect("reads");
    let indexes: Vec<PackageIndex> = debs.iter().map(index).collect();
    let packages: Vec<PackageSource<'_>> =
        indexes.iter().map(|index| PackageSource { archive: Digest::of("deb"), index }).collect();
    let removal = |name: &&str| PackageName { name: (*name).to_owned(), architecture: "amd64".to_owned() };
    let removals: Vec<PackageName> = removals.iter().map(removal).collect();
    let owned = merge_packages(base, &installed, &packages, &removals).owned;
    let automatic = BTreeSet::from(["libjq1".to_owned()]);
    let database = PackageDatabase {
        installed: &installed,
        packages: &packages,
        owned: &owned,
        removals: &removals,
        automatic: &automatic,
        architecture: "amd64",
        time: TIME,
    };
    let mut merge = Merge::new(base);
    write_package_database(&mut merge, &database).expect("writes");
    merge.finish()
}

fn paths(draft: &Draft) -> Vec<String> {
    let files = draft.nodes().filter(|node| node.entry.kind != EntryKind::Directory);
    let files = files.map(|node| node.entry.path.clone());
    files
        .chain(draft.whiteouts().map(|path| format!("- {path}")))
        .map(|path| path.replace("var/lib/dpkg/", ""))
        .collect()
}

fn text<'t>(tree: &'t Tree, path: &str) -> &'t str {
    std::str::from_utf8(tree.read(path).expect("is there")).expect("is text")
}

const BASE_STATUS: &str = "Package: bash\nStatus: install ok installed\nMaintainer:   odd   spacing\nArchitecture: amd64\n\
                           Version: 5\n\nPackage: zlib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";

#[test]
fn a_base_with_dpkg_gets_everything_that_dpkg_reads() {
    let mut base = tree(&[
        ("usr/bin/dpkg", ""),
        ("var/lib/dpkg/status", BASE_STATUS),
        ("var/lib/dpkg/info/format", "1\n"),
        ("var/lib/dpkg/info/zlib.list", "/.\n/usr\n/usr/lib\n/usr/lib/libz.so\n"),
        ("var/lib/dpkg/info/zlib.md5sums", ""),
        ("var/lib/dpkg/info/zlib1.list", ""),
        ("var/lib/dpkg/triggers/File", "/usr/share/x bash\n/usr/lib zlib/noawait\n"),
        ("var/lib/dpkg/triggers/only", "zlib:amd64\n"),
        ("var/lib/apt/extended_states", "Package: zlib\nArchitecture: amd64\nAuto-Installed: 1\n\n"),
    ]);
    let draft = written(&mut base, &[jq(), libjq()], &["zlib"]);
    assert_eq!(
        paths(&draft),
        [
            "var/lib/apt/extended_states",
            "info/jq.conffiles",
            "info/jq.list",
            "info/jq.md5sums",
            "info/jq.postinst",
            "info/jq.triggers",
            "info/libjq1:amd64.list",
            "info/libjq1:amd64.md5sums",
            "status",
            "triggers/File",
            "triggers/rebuild",
            "- info/zlib.list",
            "- info/zlib.md5sums",
            "- triggers/only",
        ]
    );
    let status = text(&base, "var/lib/dpkg/status");
    let bash = BASE_STATUS.split_inclusive("\n\n").next().expect("has a stanza");
    assert!(status.starts_with(bash) && !status.contains("zlib"));
    assert!(status.contains("\n\nPackage: jq\nStatus: install ok installed\n"));
    let md5 = crate::package_index::md5_hex(b"value");
    assert!(status.contains(&format!("\nConffiles:\n /etc/jq.conf {md5}\n")), "{status}");
    assert_eq!(text(&base, "var/lib/dpkg/triggers/File"), "/usr/share/x bash\n/usr/share/jq jq/noawait\n");
    assert_eq!(text(&base, "var/lib/dpkg/triggers/rebuild"), "jq\n");
    assert_eq!(
        text(&base, "var/lib/apt/extended_states"),
        "Package: libjq1\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    );
    assert_eq!(text(&base, "var/lib/dpkg/info/libjq1:amd64.list"), "/.\n/lib\n/lib/libjq.so.1\n");
    let postinst = &draft.get("var/lib/dpkg/info/jq.postinst").expect("is written").entry;
    assert_eq!(postinst.mode, 0o755);
    assert_eq!(draft.get("var/lib/dpkg/status").expect("is written").entry.mode, 0o640);
}

#[test]
fn every_other_base_is_followed_too() {
    let status_d = [
        ("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 1\nArchitecture: amd64\n"),
        ("var/lib/dpkg/status.d/old", "Package: jq\nVersion: 1\nArchitecture: amd64\n"),
        ("var/lib/dpkg/status.d/old.md5sums", ""),
    ];
    let status = ("var/lib/dpkg/status", BASE_STATUS);
    let slim = ["info/format", "info/jq.conffiles", "info/jq.list", "info/jq.md5sums", "status"];
    let removed = ["- status.d/old", "- status.d/old.md5sums"];
    for (base, expected) in [
        (vec![status], vec!["status"]),
        (vec![status, ("var/lib/dpkg/info/bash.list", "/.\n")], slim.to_vec()),
        (status_d.to_vec(), [["status.d/jq", "status.d/jq.md5sums"], removed].concat()),
        ([&[status][..], &status_d].concat(), [&["status"][..], &removed].concat()),
        (vec![], slim.to_vec()),
    ] {
        let mut tree = tree(&base);
        let draft = written(&mut tree, &[jq()], &[]);
        assert_eq!(paths(&draft), expected, "{base:?}");
        let again = Installed::read(&tree).expect("reads");
        let count = again.database.installed().filter(|record| record.name() == "jq").count();
        assert_eq!((count, again.find("jq", "amd64").map(|package| &*package.version)), (1, Some("1.7")));
    }
}

#[test]
fn another_architecture_of_a_package_keeps_its_entries() {
    let stanza = |architecture: &str| {
        let status = "Status: install ok installed\nMulti-Arch: same";
        format!("Package: libjq1\n{status}\nArchitecture: {architecture}\nVersion: 1.6\n\n")
    };
    let status = stanza("amd64") + &stanza("i386");
    let apt =
        |architecture: &str| format!("Package: libjq1\nArchitecture: {architecture}\nAuto-Installed: 1\n\n");
    let states = apt("amd64") + &apt("i386");
    let base = || {
        tree(&[
            ("usr/bin/dpkg", ""),
            ("var/lib/dpkg/status", &status),
            ("var/lib/dpkg/info/format", "1\n"),
            ("var/lib/dpkg/info/libjq1:amd64.list", "/.\n"),
            ("var/lib/dpkg/info/libjq1:amd64.shlibs", ""),
            ("var/lib/dpkg/info/libjq1:i386.list", "/.\n"),
            ("var/lib/dpkg/triggers/only", "libjq1:amd64\nlibjq1:i386/noawait\n"),
            ("var/lib/apt/extended_states", &states),
        ])
    };
    let mut upgraded = base();
    let draft = written(&mut upgraded, &[libjq()], &[]);
    assert_eq!(
        paths(&draft),
        [
            "info/libjq1:amd64.list",
            "info/libjq1:amd64.md5sums",
            "status",
            "triggers/only",
            "- info/libjq1:amd64.shlibs"
        ]
    );
    let text_of = text(&upgraded, "var/lib/dpkg/status");
    assert!(text_of.contains(&stanza("i386")) && !text_of.contains(&stanza("amd64")), "{text_of}");
    assert_eq!(text(&upgraded, "var/lib/dpkg/triggers/only"), "libjq1:i386/noawait\n");
    let mut removed = base();
    written(&mut removed, &[], &["libjq1"]);
    assert_eq!(text(&removed, "var/lib/dpkg/status"), stanza("i386"));
    assert_eq!(text(&removed, "var/lib/apt/extended_states"), apt("i386"));
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let mut base = tree(&[("var/lib/dpkg/status", BASE_STATUS)]);
    assert!(written(&mut base, &[], &[]).is_empty());
}

#[test]
fn a_path_that_another_package_took_over_leaves_the_list() {
    let winner = Deb::new("winner", "1").field("Replaces", "jq").file("usr/bin/jq", 0o755, b"other");
    let mut base = Tree::default();
    written(&mut base, &[jq(), winner], &[]);
    assert!(!text(&base, "var/lib/dpkg/info/jq.list").contains("/usr/bin/jq\n"));
    assert!(text(&base, "var/lib/dpkg/info/winner.list").contains("/usr/bin/jq\n"));
}
