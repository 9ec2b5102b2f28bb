//! Images that are built again from their provenance alone.

use std::sync::Arc;

use temper_compose::reproduce::{Outcome, Reproduction};
use temper_compose::{
    Archive, BlobStore, Composer, External, Log, PackageFile, PackageSource, Silent, Snapshot,
};
use temper_oci::Digest;
use temper_resolve::Universe;
use temper_testkit::Deb;

use crate::archive::MemoryArchive;
use crate::memory::{MemoryCache, MemoryStore};
use crate::published::{BODY, KnownInputs, Published, TAG, workshop};

/// An archive that gives package files and answers no question.
struct FilesOnly<'a> {
    archive: &'a MemoryArchive,
    store: MemoryStore,
}

impl Archive for FilesOnly<'_> {
    fn snapshot(&self, _: &[PackageSource], _: &str) -> Result<Snapshot, External> {
        panic!("building again asks no archive what it has now")
    }

    fn universe(&self, _: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        panic!("building again asks no archive what it has now")
    }

    fn fetch(&self, _: &Snapshot, files: &[PackageFile], _: &dyn Log) -> Result<(), External> {
        for file in files {
            self.store.put(self.archive.file(&file.digest)).expect("memory takes everything");
        }
        Ok(())
    }
}

/// Builds a published image again on a machine that has nothing.
fn reproduce_with(
    published: &Published,
    change: impl FnOnce(&mut temper_attest::BuildRecord, &mut KnownInputs),
) -> Result<Reproduction, String> {
    let (store, cache) = (MemoryStore::default(), MemoryCache::default());
    let archive = FilesOnly { archive: published.workshop.archive(), store: store.clone() };
    let composer = Composer { store: &store, cache: &cache, archive: &archive, log: &Silent };
    let (mut record, mut inputs) = (published.record().clone(), published.inputs());
    change(&mut record, &mut inputs);
    let image = published.repository.image(TAG);
    composer.reproduce(&image, &record, &inputs).map_err(|error| error.to_string())
}

fn check_identical(published: &Published) {
    let reproduction = reproduce_with(published, |_, _| ()).expect("can be built");
    assert_eq!(reproduction.outcome, Outcome::Identical, "{reproduction:#?}");
    assert_eq!(reproduction.rebuilt, published.outcome.digest());
    assert!(reproduction.differences.is_empty() && reproduction.versions.is_empty());
}

#[test]
fn images_are_built_again_bit_for_bit() {
    let user = Deb::new("server", "1-1")
        .architecture("all")
        .file("usr/sbin/server", 0o755, b"server")
        .script("postinst", "#!/bin/sh\nadduser --system --group server\n");
    for body in [
        BODY.to_owned(),
        BODY.replace("packages: [jq]", "packages: [jq, \"!base-files\"]"),
        BODY.replace("packages: [jq]", "packages: [server]"),
        format!("{BODY}compression: ZSTD\nplatforms: [linux/arm64]\n"),
        "environment: {ONLY: \"1\"}\n".to_owned(),
    ] {
        check_identical(&Published::of(workshop().packages([user.clone()]), &body, true));
    }
}

#[test]
fn images_of_definitions_are_built_again() {
    let body = "contents:\n  repositories: [\"deb [signed-by=debian-archive] distribution:debian trixie main\"]\n  \
                packages: [jq, needy, \"!left-out\"]\nplatforms: [linux/amd64, linux/arm64]\n";
    let needy = Deb::new("needy", "1-1").architecture("all").depends("left-out, jq");
    let left_out = Deb::new("left-out", "1-1").architecture("all");
    check_identical(&Published::defined(workshop().packages([needy, left_out]), body));
}

#[test]
fn what_the_archive_has_now_does_not_matter() {
    let mut published = Published::new(true);
    let newer = Deb::new("jq", "1.8-1").architecture("all");
    published.workshop = published.workshop.packages([newer]);
    check_identical(&published);
}

#[test]
fn the_first_difference_is_named() {
    let published = Published::new(true);
    let edit = |record: &mut temper_attest::BuildRecord, from: &str, to: &str| {
        assert!(record.request.document.contains(from), "{from}");
        record.request.document = record.request.document.replace(from, to);
    };
    for (from, to, at, message) in [
        (
            "OWN: \"1\"",
            "OWN: \"2\"",
            "linux/amd64, config: config.Env[2]",
            "published is `\"OWN=1\"`, built was `\"OWN=2\"`",
        ),
        (
            "mode: \"0644\"",
            "mode: \"0600\"",
            "linux/amd64, layer 3, srv/own: mode",
            "published is `420`, built was `384`",
        ),
        ("contents: own", "contents: other", "linux/amd64, layer 3, srv/own: kind.File.digest", ""),
        (
            "/srv/own",
            "/srv/ours",
            "linux/amd64, layer 3, srv/ours",
            "published is `nothing`, built was `an entry`",
        ),
        ("includes: [opt]", "includes: [opt, none*]", "", ""),
    ] {
        match reproduce_with(&published, |record, _| edit(record, from, to)) {
            Ok(reproduction) => {
                assert_eq!(reproduction.outcome, Outcome::Different);
                let first = &reproduction.differences[0];
                assert_eq!(first.at, at, "{reproduction:#?}");
                assert!(first.message.contains(message), "{}", first.message);
            }
            Err(error) => assert_eq!((at, error.as_str()), ("", "the plan for `test` has 2 problems")),
        }
    }
    let reproduction = reproduce_with(&published, |record, _| {
        edit(record, "name: test\n", "name: test\nannotations: {a: b}\n");
    });
    let first = &reproduction.expect("can be built").differences[0];
    assert_eq!(first.at, "linux/amd64, manifest: annotations.a");
    let reproduction = reproduce_with(&published, |record, _| {
        edit(record, "environment:", "platforms: [linux/amd64]\nenvironment:");
    });
    let first = &reproduction.expect("can be built").differences[0];
    assert_eq!((&*first.at, &*first.message), ("index, `linux/arm64`", "it is published and not built"));
}

#[test]
fn other_encoders_are_told_and_contents_are_compared() {
    let published = Published::new(true);
    let reproduction = reproduce_with(&published, |record, _| {
        record.settings.writer_version = "0".to_owned();
        // What other encoders would write, this compression stands for.
        record.request.document += "compression: ZSTD\n";
    });
    let reproduction = reproduction.expect("can be built");
    assert_eq!(reproduction.outcome, Outcome::SameContent, "{reproduction:#?}");
    assert_eq!(reproduction.versions[0].at, "provenance: internalParameters.writerVersion");
    assert_eq!(reproduction.differences[0].at, "linux/amd64, layer 1: compression");
}

#[test]
fn inputs_that_are_gone_are_named() {
    let published = Published::new(true);
    let error = reproduce_with(&published, |_, inputs| inputs.images.clear()).expect_err("has no base");
    let base = published.workshop.base.as_ref().expect("there is one").digest();
    let expected = format!("base `registry.example/acme/base@{base}` is not to be found any more");
    assert_eq!(error, expected);
    let error =
        reproduce_with(&published, |_, inputs| drop(inputs.images.pop())).expect_err("lacks an artifact");
    assert!(error.starts_with("artifact `") && error.contains("acme/data@sha256:"), "{error}");
}

#[test]
fn nothing_that_was_written_before_is_taken() {
    let published = Published::new(true);
    // The machine that built the image has its layers; damaged, they must not come out again.
    let workshop = &published.workshop;
    for manifest in &published.outcome.image.manifests {
        for layer in &manifest.layers[1..] {
            workshop.store.damage(&layer.digest);
        }
    }
    let composer = workshop.composer();
    let image = published.repository.image(TAG);
    let reproduction = composer.reproduce(&image, published.record(), &published.inputs());
    let reproduction = reproduction.expect("can be built");
    assert_eq!(reproduction.outcome, Outcome::Identical, "{reproduction:#?}");
    for manifest in &published.outcome.image.manifests {
        for layer in &manifest.layers {
            assert_eq!(Digest::of(workshop.store.get(&layer.digest)), layer.digest, "is written again");
        }
    }
}

#[test]
fn keys_that_are_not_those_of_the_build_are_told() {
    let published = Published::new(true);
    let other = Digest::of("other");
    let reproduction = reproduce_with(&published, |record, _| record.settings.build_key = other);
    let reproduction = reproduction.expect("can be built");
    assert_eq!(reproduction.outcome, Outcome::Different);
    assert_eq!(reproduction.digest, reproduction.rebuilt);
    assert_eq!(reproduction.differences[0].at, "provenance: internalParameters.buildKey");
    let reproduction = reproduce_with(&published, |record, _| {
        let platform = record.settings.platforms.values_mut().next_back().expect("there are two");
        platform.layer_keys[1] = other;
    });
    let at = &reproduction.expect("can be built").differences[0].at;
    assert_eq!(at, "linux/arm64, provenance: internalParameters.platforms.layerKeys");
}

#[test]
fn one_platform_is_compared_with_itself() {
    let published = Published::new(true);
    for architecture in ["amd64", "arm64"] {
        let manifest = published.outcome.on(architecture).manifest.descriptor.clone();
        published.repository.set_tag(TAG, manifest.clone());
        let reproduction = reproduce_with(&published, |_, _| ()).expect("can be built");
        assert_eq!(reproduction.outcome, Outcome::Identical, "{reproduction:#?}");
        assert_eq!(reproduction.rebuilt, manifest.digest);
    }
}

#[test]
fn what_is_published_is_read_and_not_believed_by_its_digest() {
    let published = Published::new(true);
    published.repository.flip(&published.outcome.amd64().manifest.layers[1].digest);
    let reproduction = reproduce_with(&published, |_, _| ()).expect("can be built");
    assert_eq!(reproduction.outcome, Outcome::Different);
    assert_eq!(reproduction.digest, reproduction.rebuilt);
    let first = &reproduction.differences[0];
    assert_eq!(first.at, "published index, linux/amd64, layer 1");
    assert!(first.message.ends_with("is damaged"), "{}", first.message);
}
