//! Packages unpacked, upgraded and removed on trees.

use super::*;

fn index(deb: &Deb) -> PackageIndex {
    let limits = (PackageLimits::default(), ScanLimits::default());
    index_package(deb.build().as_slice(), &limits.0, &limits.1, u64::MAX).expect("indexes").index
}

/// Merges packages onto a base and removes others; file contents are named by their text where they are in `etc`.
fn merged(base: &mut Tree, debs: &[Deb], removals: &[&str]) -> MergedPackages {
    let installed = Installed::read(base).expect("reads");
    let indexes: Vec<PackageIndex> = debs.iter().map(index).collect();
    let source = |index| PackageSource { archive: Digest::of("deb"), index };
    let sources: Vec<PackageSource<'_>> = indexes.iter().map(source).collect();
    merge_packages(base, &installed, &sources, &names(removals))
}

/// Reads names, with architectures other than amd64 after a colon.
fn names(names: &[&str]) -> Vec<PackageName> {
    let name = |text: &&str| {
        let (name, architecture) = text.split_once(':').unwrap_or((text, "amd64"));
        PackageName { name: name.to_owned(), architecture: architecture.to_owned() }
    };
    names.iter().map(name).collect()
}

fn file(deb: Deb, path: &str) -> Deb {
    deb.file(path, 0o644, path.as_bytes())
}

fn paths(draft: &Draft) -> Vec<String> {
    let written = draft.nodes().map(|node| {
        let slash = if node.entry.kind == EntryKind::Directory { "/" } else { "" };
        format!("{}{slash}", node.entry.path)
    });
    written.chain(draft.whiteouts().map(|path| format!("- {path}"))).collect()
}

/// A base with one installed package `old`, in `status` form.
fn base_with_old(extra: &[&str]) -> Tree {
    let stanza = "var/lib/dpkg/status = Package: old\\nStatus: install ok installed\\nArchitecture: amd64\\n\
                  Version: 1\\nReplaces: replaced\\nConffiles:\\n /etc/old.conf \
                  2063c1608d6e0baf80249c42e2be5804\\n /etc/changed.conf 2063c1608d6e0baf80249c42e2be5804\\n";
    let list = "var/lib/dpkg/info/old.list = /.\\n/usr\\n/usr/bin\\n/usr/bin/old\\n/bin\\n/bin/gone\\n\
                /usr/share\\n/usr/share/old\\n/usr/share/old/data\\n/etc\\n/etc/old.conf\\n/etc/changed.conf\\n";
    let lines = [
        "usr/",
        "usr/bin/",
        "bin -> usr/bin",
        "usr/bin/old = old",
        "usr/bin/gone = gone",
        "usr/share/",
        "usr/share/old/",
        "usr/share/old/data = data",
        "etc/",
        "etc/old.conf = value",
        "etc/changed.conf = changed",
        "var/",
        "var/lib/",
        "var/lib/dpkg/",
        "var/lib/dpkg/info/",
    ];
    let lines: Vec<&str> = lines.iter().copied().chain([stanza, list]).chain(extra.iter().copied()).collect();
    tree(&lines)
}

#[test]
fn a_merged_usr_is_written_through_whoever_brings_it() {
    let debs = [
        file(file(Deb::new("a", "1"), "lib/x"), "bin/tool").hardlink("usr/bin/same", "bin/tool"),
        file(Deb::new("base-files", "1").symlink("bin", "usr/bin").symlink("lib", "usr/lib"), "usr/lib/os"),
    ];
    let mut base = Tree::default();
    let merge = merged(&mut base, &debs, &[]);
    let expected = [
        "bin",
        "lib",
        "usr/",
        "usr/bin/",
        "usr/bin/same",
        "usr/bin/tool",
        "usr/lib/",
        "usr/lib/os",
        "usr/lib/x",
    ];
    assert_eq!(paths(&merge.draft), expected);
    assert_eq!(problems(&merge.draft), [""; 0]);
    let reversed = merged(&mut Tree::default(), &[debs[1].clone(), debs[0].clone()], &[]);
    assert_eq!(reversed, merge);
    assert_eq!(
        Vec::from_iter(&merge.owned["a"]),
        ["usr", "usr/bin", "usr/bin/same", "usr/bin/tool", "usr/lib", "usr/lib/x"]
    );
    let segments = merge.draft.package_segments(TIME);
    let names: Vec<Vec<_>> = segments
        .iter()
        .map(|segment| segment.members.iter().map(|it| (&*it.entry.path, it.entry.kind.word())).collect())
        .collect();
    assert_eq!(
        names,
        [
            vec![("usr", "directory"), ("usr/bin", "directory"), ("usr/lib", "directory")],
            vec![("usr/bin/same", "file"), ("usr/bin/tool", "hard link"), ("usr/lib/x", "file")],
            vec![("bin", "symbolic link"), ("lib", "symbolic link"), ("usr/lib/os", "file")],
        ]
    );
}

#[test]
fn one_path_of_two_packages_needs_replaces_or_equal_content() {
    let with = |name: &str, content: &str, replaces: &str| {
        Deb::new(name, "1").field("Replaces", replaces).file("usr/x", 0o644, content.as_bytes())
    };
    for (first, second, winner, expected) in [
        (with("a", "1", ""), with("b", "1", ""), "a", vec![]),
        (
            with("a", "1", ""),
            with("b", "2", "a (<< 2)"),
            "b",
            vec!["usr/x: Package(\"a\") < Package(\"b\") Content"],
        ),
        (
            with("a", "1", "b"),
            with("b", "2", ""),
            "a",
            vec!["usr/x: Package(\"b\") < Package(\"a\") Content"],
        ),
    ] {
        let mut base = Tree::default();
        let draft = merged(&mut base, &[first, second], &[]).draft;
        assert_eq!(draft.get("usr/x").map(|node| &node.origin), Some(&Origin::Package(winner.to_owned())));
        assert_eq!(
            (collisions(&draft), problems(&draft)),
            (expected.into_iter().map(str::to_owned).collect(), vec![])
        );
    }
    let draft = merged(&mut Tree::default(), &[with("a", "1", ""), with("b", "2", "a (<< 1)")], &[]).draft;
    assert_eq!(
        problems(&draft),
        ["package `b` brings `/usr/x`, which package `a` has too with another content"]
    );
}

#[test]
fn files_of_installed_packages_are_kept_like_those_of_new_ones() {
    for (deb, expected, problem) in [
        (Deb::new("new", "1"), "old", true),
        (Deb::new("new", "1").field("Replaces", "old"), "new", false),
        (Deb::new("replaced", "1"), "old", false),
    ] {
        let mut base = base_with_old(&[]);
        let draft = merged(&mut base, &[deb.file("usr/bin/old", 0o755, b"other")], &[]).draft;
        let is_written = draft.get("usr/bin/old").is_some();
        assert_eq!((is_written, !draft.problems.is_empty()), (expected == "new", problem));
    }
}

#[test]
fn an_upgrade_takes_away_what_only_the_old_version_had() {
    let mut base = base_with_old(&[]);
    let new = file(file(Deb::new("old", "2"), "usr/bin/old"), "usr/bin/new");
    let merge = merged(&mut base, &[new], &[]);
    assert_eq!(
        paths(&merge.draft),
        ["usr/", "usr/bin/", "usr/bin/new", "usr/bin/old", "- usr/bin/gone", "- usr/share"]
    );
    assert_eq!((collisions(&merge.draft), problems(&merge.draft)), (vec![], vec![]));
}

#[test]
fn a_purge_takes_everything_that_nobody_else_has() {
    let mut base = base_with_old(&["usr/share/old/mine = local"]);
    let draft = merged(&mut base, &[file(Deb::new("new", "1"), "usr/bin/gone")], &["old"]).draft;
    assert_eq!(
        paths(&draft),
        [
            "usr/",
            "usr/bin/",
            "usr/bin/gone",
            "usr/share/",
            "usr/share/old/",
            "- etc",
            "- usr/bin/old",
            "- usr/share/old/data",
        ]
    );
    let draft = merged(&mut base_with_old(&[]), &[], &["other"]).draft;
    assert_eq!(problems(&draft), ["package `other` is to be removed, but the base does not have it"]);
}

/// A base with a library of two architectures that share one file.
fn base_of_two_architectures() -> Tree {
    let stanza = |architecture: &str| {
        format!(
            "Package: libx\\nStatus: install ok installed\\nArchitecture: {architecture}\\n\
             Multi-Arch: same\\nVersion: 1\\n\\n"
        )
    };
    let status = format!("var/lib/dpkg/status = {}{}", stanza("amd64"), stanza("i386"));
    let list = |architecture: &str| {
        format!(
            "var/lib/dpkg/info/libx:{architecture}.list = /.\\n/usr\\n/usr/{architecture}\\n/usr/shared\\n"
        )
    };
    let lines = ["usr/", "usr/amd64 = 64", "usr/i386 = 32", "usr/shared = text", "var/", "var/lib/"];
    let database = ["var/lib/dpkg/", "var/lib/dpkg/info/", &status, &list("amd64"), &list("i386")];
    tree(&[&lines[..], &database].concat())
}

#[test]
fn of_two_architectures_only_the_one_that_is_meant_changes() {
    let new = || Deb::new("libx", "2").field("Multi-Arch", "same").file("usr/new", 0o644, b"new");
    let draft = merged(&mut base_of_two_architectures(), &[new()], &[]).draft;
    assert_eq!(paths(&draft), ["usr/", "usr/new", "- usr/amd64"]);
    let draft = merged(&mut base_of_two_architectures(), &[], &["libx:i386"]).draft;
    assert_eq!(paths(&draft), ["usr/", "- usr/i386"]);
    let draft = merged(&mut base_of_two_architectures(), &[], &["libx", "libx:i386"]).draft;
    assert_eq!(paths(&draft), ["- usr"]);
    let other = new().file("usr/shared", 0o644, b"other");
    let draft = merged(&mut base_of_two_architectures(), &[other], &[]).draft;
    assert_eq!(
        problems(&draft),
        ["package `libx` brings `/usr/shared`, which package `libx:i386` has too with another content"]
    );
}

#[test]
fn checksums_alone_are_enough_to_remove_a_package() {
    let mut base = tree(&[
        "usr/",
        "usr/lib/",
        "usr/lib/libx.so.1.2 = x",
        "usr/lib/libx.so.1 -> libx.so.1.2",
        "usr/lib/y = y",
        "var/",
        "var/lib/",
        "var/lib/dpkg/",
        "var/lib/dpkg/status.d/",
        "var/lib/dpkg/status.d/libx = Package: libx\\nVersion: 1\\nArchitecture: amd64\\n",
        "var/lib/dpkg/status.d/libx.md5sums = 0123  usr/lib/libx.so.1.2\\n",
    ]);
    let draft = merged(&mut base, &[], &["libx"]).draft;
    assert_eq!(paths(&draft), ["usr/", "usr/lib/", "- usr/lib/libx.so.1", "- usr/lib/libx.so.1.2"]);

    let status = "var/lib/dpkg/status = Package: x\\nStatus: install ok installed\\nVersion: 1\\n";
    let draft = merged(&mut tree(&["var/", "var/lib/", "var/lib/dpkg/", status]), &[], &["x"]).draft;
    assert_eq!(draft.warnings, ["the base does not say which files belong to package `x`: they stay"]);
}

#[test]
fn changed_conffiles_stay_and_the_new_one_goes_beside() {
    let mut base = base_with_old(&["etc/mine.conf = mine"]);
    let deb = Deb::new("old", "2")
        .conffile("etc/old.conf", b"new")
        .conffile("etc/changed.conf", b"new")
        .conffile("etc/mine.conf", b"new")
        .conffile("etc/first.conf", b"new");
    let mut other = base.clone();
    let draft = merged(&mut base, std::slice::from_ref(&deb), &[]).draft;
    let expected =
        ["etc/", "etc/changed.conf.dpkg-dist", "etc/first.conf", "etc/mine.conf.dpkg-dist", "etc/old.conf"];
    assert_eq!(paths(&draft)[..5], expected);
    assert_eq!(
        collisions(&draft),
        ["etc/changed.conf: Package(\"old\") < Base Kept", "etc/mine.conf: Package(\"old\") < Base Kept",]
    );
    // With `remove-on-upgrade` an unchanged conffile goes, a changed one stays.
    let list = b"remove-on-upgrade /etc/old.conf\nremove-on-upgrade /etc/changed.conf\n";
    let draft = merged(&mut other, &[Deb::new("old", "3").control_file("conffiles", 0o644, list)], &[]).draft;
    let etc: Vec<&str> = draft.whiteouts().filter(|path| path.starts_with("etc/")).collect();
    assert_eq!(etc, ["etc/old.conf"]);
}

#[test]
fn filters_and_diversions_of_the_base_are_honoured() {
    let mut base = tree(&[
        "etc/",
        "etc/dpkg/",
        "etc/dpkg/dpkg.cfg.d/",
        "etc/dpkg/dpkg.cfg.d/docker = path-exclude /usr/share/doc/*\\npath-include /usr/share/doc/*/copyright",
        "var/",
        "var/lib/",
        "var/lib/dpkg/",
        "var/lib/dpkg/diversions = /bin/sh\\n/bin/sh.distrib\\ndash\\n/bin/mine\\n/bin/mine.distrib\\na\\n",
    ]);
    let a = Deb::new("a", "1").conffile("etc/a.conf", b"a");
    let a = ["usr/share/doc/a/README", "usr/share/doc/a/copyright", "bin/sh", "bin/mine"]
        .iter()
        .fold(a, |deb, path| file(deb, path));
    let merge = merged(&mut base, &[a], &[]);
    assert_eq!(
        paths(&merge.draft),
        [
            "bin/",
            "bin/mine",
            "bin/sh.distrib",
            "etc/",
            "etc/a.conf",
            "usr/",
            "usr/share/",
            "usr/share/doc/",
            "usr/share/doc/a/",
            "usr/share/doc/a/copyright",
        ]
    );
    assert!(merge.owned["a"].contains("usr/share/doc/a/README"));
}
