//! `includes` and `excludes` of artifacts: globs, their order, whole roots, and links.

use temper_testkit::image::Layer;

use crate::base;
use crate::workshop::Workshop;

/// A small tree with links of every kind.
fn tree() -> Layer {
    Layer::new()
        .directory("etc")
        .file("etc/app.conf", 0o644, "conf")
        .directory("srv")
        .directory("srv/a")
        .file("srv/a/one.txt", 0o644, "one")
        .file("srv/a/two.txt", 0o644, "two")
        .directory("srv/a/deep")
        .file("srv/a/deep/one.txt", 0o644, "deep")
        .symlink("srv/absolute", "/srv/a/one.txt")
        .symlink("srv/dangling", "../../../none")
        .symlink("srv/folder", "a")
        .hardlink("srv/hard", "srv/a/one.txt")
}

fn entry(selection: &str) -> String {
    format!("contents: {{artifacts: [{{name: acme/tree:v1, {selection}}}]}}\n")
}

/// Compares the paths that the artifact's layer has, without directories.
#[track_caller]
fn check(selection: &str, expected: &[&str]) {
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &tree());
    let outcome = workshop.build(&entry(selection));
    let view = outcome.amd64();
    let mut paths = view.layer_paths("artifact acme/tree:v1");
    paths.retain(|path| !view.stat(path).starts_with("dir"));
    assert_eq!(paths, expected, "{selection}");
}

#[test]
fn excludes_win_over_includes_in_whatever_order_they_stand() {
    let all_but_deep = ["srv/a/one.txt", "srv/a/two.txt"];
    check("includes: [srv/a], excludes: [srv/a/deep]", &all_but_deep);
    check("excludes: [srv/a/deep], includes: [srv/a]", &all_but_deep);
    check("includes: [srv/a, srv/a/deep], excludes: [srv/a/deep]", &all_but_deep);
    check("includes: [srv/a/two.txt, srv/a/one.txt]", &all_but_deep);
    check("includes: [\"srv/a/*.txt\"]", &all_but_deep);
    check("includes: [srv/a], excludes: [\"**/one.txt\"]", &["srv/a/two.txt"]);
    check("includes: [srv/a], excludes: [\"srv/*/one.txt\", /srv/a/two.txt]", &["srv/a/deep/one.txt"]);
    check("includes: [\"srv/**/one.txt\"]", &["srv/a/deep/one.txt", "srv/a/one.txt"]);
    check("includes: [\"srv/?/t??.txt\"]", &["srv/a/two.txt"]);
}

#[test]
fn what_stands_where_does_not_depend_on_the_order_of_includes() {
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &tree());
    let layer =
        |selection: &str| workshop.build(&entry(selection)).amd64().layer_digest("artifact acme/tree:v1");
    assert_eq!(layer("includes: [srv, etc]"), layer("includes: [etc, srv]"));
    assert_eq!(layer("includes: [srv, etc]"), layer("includes: [\"**\"]"));
}

#[test]
fn a_whole_root_is_taken_with_a_warning() {
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &tree());
    for include in ["/", "\"**\"", "\"*\""] {
        let outcome = workshop.build(&entry(&format!("includes: [{include}], excludes: [srv/a]")));
        let view = outcome.amd64();
        assert_eq!(view.file("etc/app.conf"), "conf", "{include}");
        assert_eq!(view.stat("srv/a/two.txt"), "", "{include}");
        let warnings: Vec<&str> =
            outcome.plan.findings.warnings.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(warnings, ["contents.artifacts[0].includes[0]"], "{include}");
    }
}

#[test]
fn links_stay_links_and_go_where_they_say() {
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &tree());
    let outcome = workshop.build(&entry("includes: [srv]"));
    let view = outcome.amd64();
    for (path, expected) in [
        ("srv/absolute", "link 0777 0:0 -> /srv/a/one.txt"),
        ("srv/dangling", "link 0777 0:0 -> ../../../none"),
        ("srv/folder", "link 0777 0:0 -> a"),
    ] {
        assert_eq!(view.stat(path), expected);
    }
    assert_eq!(view.file("srv/absolute"), "one");
    assert_eq!(view.file("srv/folder/two.txt"), "two");
    assert_eq!(view.file("srv/hard"), "one");

    // A link whose file is left out dangles; a second name of such a file becomes the file.
    let outcome = workshop.build(&entry("includes: [srv], excludes: [srv/a]"));
    let view = outcome.amd64();
    assert_eq!(view.stat("srv/absolute"), "link 0777 0:0 -> /srv/a/one.txt");
    assert_eq!(view.find("srv/absolute"), None);
    assert_eq!(view.file("srv/hard"), "one");
    assert_eq!(view.stat("srv/a"), "");
}

#[test]
fn an_include_through_a_link_of_the_artifact_takes_what_is_there() {
    check("includes: [srv/folder/two.txt]", &["srv/a/two.txt"]);
    check("includes: [srv/folder]", &["srv/folder"]);
}

#[test]
fn files_go_through_the_links_of_the_base() {
    let layer = Layer::new()
        .directory("bin")
        .file("bin/tool", 0o755, "tool")
        .directory("lib")
        .symlink("lib/x.so", "x.so.1");
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &layer);
    let outcome = workshop.build(&entry("includes: [bin, lib]"));
    let view = outcome.amd64();
    assert_eq!(view.stat("bin"), "link 0777 0:0 -> usr/bin");
    assert_eq!(view.stat("usr/bin/tool"), "file 0755 0:0");
    assert_eq!(view.stat("usr/lib/x.so"), "link 0777 0:0 -> x.so.1");
    assert_eq!(view.file("usr/bin/app"), "app");
}

#[test]
fn what_no_image_may_bring_is_a_problem() {
    let layer = Layer::new()
        .directory("dev")
        .character_device("dev/null", 1, 3)
        .directory("etc")
        .directory("etc/passwd")
        .file("etc/passwd/x", 0o644, "")
        .file("usr", 0o644, "no directory");
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tree:v1", &layer);
    for (include, expected) in [
        (
            "dev",
            "artifact `acme/tree:v1` brings a character device at `/dev/null`, which only a base image may hold",
        ),
        (
            "usr",
            "artifact `acme/tree:v1` brings a file at `/usr`, where the tree has a directory that is not empty",
        ),
    ] {
        let problems = workshop.problems(&entry(&format!("includes: [{include}]")));
        assert_eq!(problems, [format!("amd64: contents.artifacts[0]: {expected}")], "{include}");
    }
}
