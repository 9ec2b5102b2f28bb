//! The package database of the result, in the form that the base has.

use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::base;
use crate::outcome::View;
use crate::workshop::Workshop;

const FIELDS: &str = "Version: 1\nArchitecture: amd64\nDescription: x\n";

fn packages() -> [Deb; 2] {
    [
        Deb::new("tool", "2")
            .depends("library")
            .file("usr/bin/tool", 0o755, b"tool")
            .conffile("etc/tool.conf", b"a"),
        Deb::new("library", "1").field("Multi-Arch", "same").file("usr/lib/library.so", 0o644, b"library"),
    ]
}

fn build(layer: &Layer, body: &str, check: impl Fn(&View<'_>)) {
    check(&Workshop::new().base_of(layer).packages(packages()).build(body).amd64());
}

/// Lists the files of the result's database that the system layer writes or removes.
fn changed(view: &View<'_>) -> Vec<String> {
    let mut paths = view.layer_paths("system");
    paths.retain(|path| path.contains("var/lib/dpkg/") && !view.stat(path).starts_with("dir"));
    paths
}

/// Returns a field of a package's stanza.
fn field(status: &str, package: &str, field: &str) -> Option<String> {
    let head = format!("Package: {package}\n");
    let stanza = status.split("\n\n").find(|stanza| format!("{stanza}\n").starts_with(&head))?;
    stanza.lines().find_map(|line| line.strip_prefix(&format!("{field}: "))).map(str::to_owned)
}

#[test]
fn a_base_with_status_gets_stanzas_and_lists() {
    let layer = base::debian(&[("old", FIELDS, &["usr", "usr/lib", "usr/lib/old"])]);
    build(&layer, "contents: {packages: [tool]}\n", |view| {
        let status = view.file("var/lib/dpkg/status");
        for (package, version) in [("library", "1"), ("old", "1"), ("tool", "2")] {
            assert_eq!(field(&status, package, "Version").as_deref(), Some(version), "{status}");
            assert_eq!(
                field(&status, package, "Status").as_deref(),
                Some("install ok installed"),
                "{status}"
            );
        }
        assert!(
            status.contains("\nConffiles:\n /etc/tool.conf 0cc175b9c0f1b6a831c399e269772661\n"),
            "{status}"
        );
        assert_eq!(
            view.file("var/lib/dpkg/info/tool.list"),
            "/.\n/usr\n/usr/bin\n/usr/bin/tool\n/etc\n/etc/tool.conf\n"
        );
        assert_eq!(
            changed(view),
            [
                "var/lib/dpkg/info/library:amd64.list",
                "var/lib/dpkg/info/library:amd64.md5sums",
                "var/lib/dpkg/info/tool.conffiles",
                "var/lib/dpkg/info/tool.list",
                "var/lib/dpkg/info/tool.md5sums",
                "var/lib/dpkg/status",
            ]
        );
    });
}

#[test]
fn a_base_with_status_d_gets_files_there() {
    build(&base::layer("amd64"), "contents: {packages: [tool]}\n", |view| {
        assert_eq!(view.find("var/lib/dpkg/status"), None);
        assert_eq!(
            changed(view),
            [
                "var/lib/dpkg/status.d/library",
                "var/lib/dpkg/status.d/library.md5sums",
                "var/lib/dpkg/status.d/tool",
                "var/lib/dpkg/status.d/tool.md5sums",
            ]
        );
        let control = view.file("var/lib/dpkg/status.d/tool");
        assert!(control.starts_with("Package: tool\nVersion: 2\n"), "{control}");
        assert_eq!(
            view.file("var/lib/dpkg/status.d/library.md5sums"),
            "d521f765a49c72507257a2620612ee96  usr/lib/library.so\n"
        );
        assert!(view.file("var/lib/dpkg/status.d/base-files").contains("Version: 13"));
    });
}

#[test]
fn a_base_with_both_gets_status_and_no_package_stands_twice() {
    let layer = base::debian(&[("old", FIELDS, &["usr", "usr/lib", "usr/lib/old"])])
        .directory("var/lib/dpkg/status.d")
        .file(
            "var/lib/dpkg/status.d/strange-name",
            0o644,
            format!("Package: library\n{FIELDS}").replace("Version: 1", "Version: 0"),
        );
    build(&layer, "contents: {packages: [library=1]}\n", |view| {
        assert_eq!(field(&view.file("var/lib/dpkg/status"), "library", "Version").as_deref(), Some("1"));
        assert_eq!(view.stat("var/lib/dpkg/status.d/strange-name"), "");
    });
}

#[test]
fn a_removed_package_is_gone_from_either_form() {
    let listed = base::debian(&[
        ("gone", FIELDS, &["usr", "usr/lib", "usr/lib/gone"]),
        ("old", FIELDS, &["usr", "usr/lib", "usr/lib/old"]),
    ]);
    let summed = base::layer("amd64")
        .file("usr/lib/gone", 0o644, "")
        .file("var/lib/dpkg/status.d/gone", 0o644, format!("Package: gone\n{FIELDS}"))
        .file(
            "var/lib/dpkg/status.d/gone.md5sums",
            0o644,
            "d41d8cd98f00b204e9800998ecf8427e  usr/lib/gone\n",
        );
    for (layer, expected) in [
        (listed, vec!["-var/lib/dpkg/info/gone.list", "var/lib/dpkg/status"]),
        (summed, vec!["-var/lib/dpkg/status.d/gone", "-var/lib/dpkg/status.d/gone.md5sums"]),
    ] {
        build(&layer, "contents: {packages: [\"!gone\"]}\n", |view| {
            assert_eq!(view.stat("usr/lib/gone"), "");
            assert_eq!(changed(view), expected);
            let status = view.find("var/lib/dpkg/status").unwrap_or_default();
            assert_eq!(field(&status, "gone", "Version"), None);
        });
    }
}

#[test]
fn a_base_without_packages_stays_without_a_database_until_one_comes() {
    let layer = base::skeleton();
    let outcome = Workshop::new().base_of(&layer).build("paths: [{path: /srv/x, contents: x}]\n");
    assert_eq!(outcome.amd64().find("var/lib/dpkg/status"), None);
    build(&layer, "contents: {packages: [library]}\n", |view| {
        assert_eq!(field(&view.file("var/lib/dpkg/status"), "library", "Version").as_deref(), Some("1"));
        assert_eq!(view.file("var/lib/dpkg/info/format"), "1\n");
    });
}
