//! Packages of the base that are replaced by newer ones.

use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::base;
use crate::workshop::Workshop;

/// The library as the base has it: two files in two folders, one of which the new version leaves out.
const PATHS: &[&str] = &[
    "usr",
    "usr/lib",
    "usr/lib/library.so",
    "usr/lib/old",
    "usr/lib/old/a",
    "usr/lib/old/b",
    "etc/library.conf",
];

fn new_library() -> Deb {
    Deb::new("library", "2.0")
        .file("usr/lib/library.so", 0o644, b"two")
        .file("usr/lib/new", 0o644, b"new")
        .symlink("usr/lib/library.so.2", "library.so")
}

fn workshop(layer: &Layer) -> Workshop {
    let modern = Deb::new("modern", "1").depends("library (>= 2)").file("usr/bin/modern", 0o755, b"modern");
    Workshop::new().base_of(layer).packages([new_library(), modern])
}

fn with_status() -> Layer {
    base::debian(&[
        ("library", "Version: 1.0\nArchitecture: amd64\nDescription: the old one\n", PATHS),
        (
            "user",
            "Version: 1\nArchitecture: amd64\nDepends: library\nDescription: x\n",
            &["usr", "usr/bin", "usr/bin/user"],
        ),
    ])
}

/// The same with checksums alone, as hardened bases have it.
fn with_status_directory() -> Layer {
    let sums = ["usr/lib/library.so", "usr/lib/old/a", "usr/lib/old/b"]
        .map(|path| format!("d41d8cd98f00b204e9800998ecf8427e  {path}\n"));
    base::layer("amd64")
        .file("usr/lib/library.so", 0o644, "one")
        .directory("usr/lib/old")
        .file("usr/lib/old/a", 0o644, "")
        .file("usr/lib/old/b", 0o644, "")
        .file(
            "var/lib/dpkg/status.d/library",
            0o644,
            "Package: library\nVersion: 1.0\nArchitecture: amd64\nDescription: the old one\n",
        )
        .file("var/lib/dpkg/status.d/library.md5sums", 0o644, sums.concat())
}

#[test]
fn files_of_the_old_version_go_and_the_layer_says_so_once() {
    for (layer, form) in [(with_status(), "status"), (with_status_directory(), "status.d")] {
        let outcome = workshop(&layer).build("contents: {packages: [modern]}\n");
        let view = outcome.amd64();
        assert_eq!(view.file("usr/lib/library.so"), "two", "{form}");
        assert_eq!(view.stat("usr/lib/old"), "", "{form}");
        assert_eq!(view.file("usr/lib/library.so.2"), "two", "{form}");
        let removed: Vec<String> =
            view.layer_paths("packages").into_iter().filter(|path| path.starts_with('-')).collect();
        assert!(removed.contains(&"-usr/lib/old".to_owned()), "{form}: {removed:?}");
        assert!(!removed.iter().any(|path| path.contains("old/")), "{form}: {removed:?}");
        let planned: Vec<&str> = view.plan.removed.iter().map(String::as_str).collect();
        assert!(planned.contains(&"/usr/lib/old"), "{form}: {planned:?}");
        assert_eq!(view.plan.collisions, [], "{form}: a package does not collide with itself");
        let line = view.plan.packages.iter().find(|line| line.name == "library").expect("is planned");
        assert_eq!(
            (line.action.as_str(), line.from_version.as_deref(), line.version.as_str()),
            ("upgrade", Some("1.0"), "2.0")
        );
    }
}

#[test]
fn the_database_says_the_new_version_alone() {
    let outcome = workshop(&with_status()).build("contents: {packages: [modern]}\n");
    let status = outcome.amd64().file("var/lib/dpkg/status");
    assert_eq!(status.matches("Package: library\n").count(), 1, "{status}");
    assert!(status.contains("Version: 2.0\n") && !status.contains("the old one"), "{status}");
    assert!(status.contains("Package: user\nStatus: install ok installed\nVersion: 1\n"), "{status}");
    let list = outcome.amd64().file("var/lib/dpkg/info/library.list");
    assert_eq!(list, "/.\n/usr\n/usr/lib\n/usr/lib/library.so\n/usr/lib/new\n/usr/lib/library.so.2\n");

    let outcome = workshop(&with_status_directory()).build("contents: {packages: [modern]}\n");
    let control = outcome.amd64().file("var/lib/dpkg/status.d/library");
    assert!(control.contains("Version: 2.0\n") && !control.contains("the old one"), "{control}");
    let sums = outcome.amd64().file("var/lib/dpkg/status.d/library.md5sums");
    assert!(sums.contains("usr/lib/new") && !sums.contains("usr/lib/old"), "{sums}");
}

#[test]
fn a_file_that_moves_to_another_package_stays() {
    let layer = with_status();
    let split = Deb::new("library-data", "2.0")
        .field("Replaces", "library (<< 2)")
        .field("Breaks", "library (<< 2)")
        .file("usr/lib/old/a", 0o644, b"moved");
    let outcome = workshop(&layer).packages([split]).build("contents: {packages: [library-data]}\n");
    let view = outcome.amd64();
    assert_eq!(view.file("usr/lib/old/a"), "moved");
    assert_eq!(view.stat("usr/lib/old/b"), "");
    assert_eq!(view.file("usr/lib/library.so"), "two", "the broken version is replaced");
}

#[test]
fn a_requested_package_of_the_base_becomes_the_newest_or_the_version_that_is_named() {
    for wanted in ["library", "library=2.0"] {
        let outcome = workshop(&with_status()).build(&format!("contents: {{packages: [{wanted}]}}\n"));
        assert_eq!(outcome.amd64().file("usr/lib/library.so"), "two", "{wanted}");
    }
    let outcome = workshop(&with_status()).build("contents: {packages: [library=1.0]}\n");
    assert_eq!(outcome.amd64().plan.packages, []);
    assert_eq!(outcome.amd64().file("usr/lib/library.so"), "usr/lib/library.so");
}
