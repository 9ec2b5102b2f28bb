//! Layers of the result: which there are, in which order, with which history and times, and which stay as they were.

use std::collections::BTreeMap;

use serde_json::Value;
use temper_oci::{Compression, Descriptor, Digest, Platform};
use temper_testkit::Deb;
use temper_testkit::elf::Elf;
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

/// A base for amd64 whose manifest and config were edited after they were written.
fn edited(edit: impl FnOnce(&mut Value, &mut Value)) -> MemoryImage {
    let mut blobs = BTreeMap::new();
    let root = base::image("amd64").build(&mut |digest, bytes| drop(blobs.insert(digest, bytes)));
    let mut manifest: Value = serde_json::from_slice(&blobs[&root.digest]).expect("the manifest is JSON");
    let config: Digest =
        manifest["config"]["digest"].as_str().expect("is text").parse().expect("is a digest");
    let mut config: Value = serde_json::from_slice(&blobs[&config]).expect("the config is JSON");
    edit(&mut manifest, &mut config);
    let config = config.to_string().into_bytes();
    manifest["config"]["digest"] = Digest::of(&config).to_string().into();
    manifest["config"]["size"] = config.len().into();
    let manifest = manifest.to_string().into_bytes();
    let root = Descriptor::of(&root.media_type, &manifest);
    blobs.extend([config, manifest].map(|bytes| (Digest::of(&bytes), bytes)));
    MemoryImage::stored(base::REFERENCE, root, blobs)
}

#[test]
fn what_config_and_manifest_say_of_a_layer_is_checked_also_where_it_is_known() {
    let wrong_diff_id =
        || edited(|_, config| config["rootfs"]["diff_ids"][0] = Digest::of("other").to_string().into());
    let wrong_size = || edited(|manifest, _| manifest["layers"][0]["size"] = 100_000.into());
    for (image, expected) in [
        (wrong_diff_id as fn() -> MemoryImage, "its content has the diff id `sha256:"),
        (wrong_size, "bytes, the manifest says 100000"),
    ] {
        let fresh = Workshop::new().base(image());
        let knowing = Workshop::new().base_of(&base::layer("amd64"));
        knowing.build("labels: {a: b}\n");
        for workshop in [fresh, knowing.base(image())] {
            let failure = workshop.failure("labels: {a: b}\n");
            assert!(failure.contains(expected), "{failure}");
        }
    }
}

/// The hardened base after an image with a library and the loader's cache of it was made on top.
fn with_loader_cache() -> (Workshop, MemoryImage) {
    let libc_bin = Deb::new("libc-bin", "2.41-12")
        .file("etc/ld.so.conf", 0o644, b"/usr/lib/x86_64-linux-gnu\n")
        .file("usr/lib/x86_64-linux-gnu/libtool.so.1", 0o644, &Elf::library("libtool.so.1").to_bytes());
    let workshop = Workshop::new().base_of(&base::layer("amd64")).packages([libc_bin]);
    let base = workshop.build("contents: {packages: [libc-bin]}\n").as_base();
    (workshop, base)
}

#[test]
fn a_loader_cache_that_says_the_same_is_not_written_again() {
    let (workshop, base) = with_loader_cache();
    let outcome = workshop.base(base).build("paths: [{path: /srv/x, contents: x}]\n");
    assert_eq!(outcome.amd64().layer_names(), ["base", "base", "base", "files"]);
    // One that differs is computed as soon as anything else changes, and not before.
    let stale = base::layer("amd64").file("etc/ld.so.cache", 0o644, "stale");
    for (document, expected) in [
        ("labels: {a: b}\n", vec!["base"]),
        ("paths: [{path: /srv/x, contents: x}]\n", vec!["base", "files", "system"]),
    ] {
        let outcome = Workshop::new().base_of(&stale).build(document);
        assert_eq!(outcome.amd64().layer_names(), expected, "{document}");
    }
}

#[test]
fn what_the_document_or_an_artifact_brings_is_not_computed_over() {
    let (workshop, base) = with_loader_cache();
    let artifact = Layer::new()
        .directory("var")
        .directory("var/lib")
        .directory("var/lib/dpkg")
        .directory("var/lib/dpkg/status.d")
        .file("var/lib/dpkg/status.d/tool", 0o644, "Package: tool\n");
    let workshop = workshop.base(base).packages([tool("1")]).artifact("acme/a:v1", &artifact);
    let outcome = workshop.build(
        "contents: {packages: [tool], artifacts: [{name: acme/a:v1, includes: [var/lib/dpkg]}]}\n\
         paths: [{path: /etc/ld.so.cache, contents: own}]\n",
    );
    let view = outcome.amd64();
    assert_eq!(view.file("etc/ld.so.cache"), "own");
    assert_eq!(view.file("var/lib/dpkg/status.d/tool"), "Package: tool\n");
    let collisions: Vec<String> = view
        .plan
        .collisions
        .iter()
        .map(|line| format!("{}: {} over {} ({})", line.path, line.winner, line.loser, line.kind))
        .collect();
    for expected in [
        "/etc/ld.so.cache: document over effect ld.so.cache (content)",
        "/var/lib/dpkg/status.d/tool: artifact acme/a:v1 over effect package database (content)",
    ] {
        assert!(collisions.iter().any(|line| line == expected), "{collisions:?}");
    }
}
