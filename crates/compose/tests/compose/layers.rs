//! Layers of the result: which there are, in which order, with which history and times, and which stay as they were.

use temper_oci::{Compression, Platform};
use temper_testkit::Deb;
use temper_testkit::image::{Image, Layer};

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

/// When the bases were made, in seconds since the epoch.
const BASE_TIME: i64 = 1_748_736_000;

fn tool(version: &str) -> Deb {
    Deb::new("tool", version).file("usr/bin/tool", 0o755, version.as_bytes())
}

fn artifact() -> Layer {
    Layer::new().directory("srv").file("srv/a", 0o644, "a")
}

const EVERYTHING: &str = "contents: {packages: [tool], artifacts: [{name: acme/a:v1, includes: [srv]}]}\n\
                          paths: [{path: /srv/x, contents: x}]\n";

#[test]
fn only_layers_with_content_are_written_in_the_order_of_composition() {
    let workshop = Workshop::new()
        .base_of(&base::layer("amd64"))
        .packages([tool("1")])
        .artifact("acme/a:v1", &artifact());
    for (document, expected) in [
        ("labels: {a: b}\n", vec!["base"]),
        ("paths: [{path: /srv/x, contents: x}]\n", vec!["base", "files"]),
        ("accounts: {users: [{name: app, uid: 1}]}\n", vec!["base", "system"]),
        ("contents: {packages: [tool]}\n", vec!["base", "packages", "system"]),
        (EVERYTHING, vec!["base", "packages", "artifact acme/a:v1", "files", "system"]),
    ] {
        let outcome = workshop.build(document);
        let view = outcome.amd64();
        assert_eq!(view.layer_names(), expected, "{document}");
        assert_eq!(view.manifest.layers.len(), expected.len(), "{document}");
        assert_eq!(view.config().diff_ids().len(), expected.len(), "{document}");
        let lines: Vec<String> =
            view.config().history().iter().filter_map(|entry| entry.created_by.clone()).collect();
        let told: Vec<String> = expected[1..].iter().map(|name| format!("temper: {name}")).collect();
        assert_eq!(lines, [vec!["layer 1".to_owned()], told].concat(), "{document}");
    }
}

#[test]
fn a_history_that_does_not_cover_the_base_stays_as_it_is() {
    let image = base::image("amd64").config(|config| config.set_history(Vec::new()));
    let workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &image));
    let outcome = workshop.build("paths: [{path: /srv/x, contents: x}]\n");
    assert_eq!(outcome.amd64().config().history(), []);
}

#[test]
fn a_change_changes_as_few_layers_as_it_can() {
    let workshop = |version: &str, base: Layer| {
        Workshop::new().base_of(&base).packages([tool(version)]).artifact("acme/a:v1", &artifact())
    };
    let first = workshop("1", base::layer("amd64")).build(EVERYTHING);
    let patched_base = base::layer("amd64").file("usr/lib/patched", 0o644, "patched");
    for (workshop, document, expected) in [
        (workshop("1", patched_base), EVERYTHING.to_owned(), vec!["base"]),
        (workshop("2", base::layer("amd64")), EVERYTHING.to_owned(), vec!["packages", "system"]),
        (
            workshop("1", base::layer("amd64")),
            EVERYTHING.replace("contents: x", "contents: y"),
            vec!["files"],
        ),
        (workshop("1", base::layer("amd64")), format!("{EVERYTHING}labels: {{a: b}}\n"), vec![]),
    ] {
        let second = workshop.build(&document);
        let (before, after) = (first.amd64(), second.amd64());
        let names = after.layer_names();
        assert_eq!(names, before.layer_names());
        let changed: Vec<&String> =
            names.iter().filter(|name| before.layer_digest(name) != after.layer_digest(name)).collect();
        assert_eq!(changed, expected.iter().collect::<Vec<_>>(), "{document}");
    }
}

#[test]
fn the_time_is_that_of_the_newest_part_and_no_entry_is_younger() {
    let young = Layer::new()
        .directory("srv")
        .file("srv/young", 0o644, "x")
        .mtime(4_000_000_000)
        .file("srv/old", 0o644, "x")
        .mtime(7);
    let image = |created: &str| {
        let image = Image::new(&Platform::linux("amd64")).layer(&young, Compression::Gzip);
        MemoryImage::single("acme/a:v1", &image.config(|config| config.set_created(created)))
    };
    for (created, newest) in [("1999-01-01T00:00:00Z", BASE_TIME), ("2026-01-01T00:00:00Z", 1_767_225_600)] {
        let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact_image(image(created));
        let outcome = workshop.build(
            "contents: {artifacts: [{name: acme/a:v1, includes: [srv]}]}\npaths: [{path: /srv/x, contents: x}]\n",
        );
        let view = outcome.amd64();
        let tree = view.tree();
        let time = |path: &str| tree.get(path).expect("is there").entry.mtime;
        assert_eq!((time("srv/young"), time("srv/old"), time("srv/x")), (newest, 7, newest), "{created}");
        let expected = if newest == BASE_TIME { base::CREATED } else { created };
        assert_eq!(view.config().created(), Some(expected));
    }
    let package = tool("1").mtime(1_790_000_000);
    let outcome = Workshop::new()
        .base_of(&base::layer("amd64"))
        .packages([package])
        .build("contents: {packages: [tool]}\n");
    assert_eq!(outcome.amd64().config().created(), Some("2026-09-21T14:13:20Z"));
}
