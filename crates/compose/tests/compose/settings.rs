//! `work-dir` and `platforms`.

use temper_oci::{Compression, Platform};
use temper_testkit::image::{Image, Layer};

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

#[test]
fn a_missing_working_directory_is_made_for_the_user() {
    let outcome = Workshop::new()
        .build("work-dir: /srv/app\naccounts: {runs-as: app, users: [{name: app, uid: 10001}]}\n");
    let view = outcome.amd64();
    assert_eq!(view.config().working_dir(), Some("/srv/app"));
    assert_eq!(view.stat("srv/app"), "dir 0755 10001:10001");
}

#[test]
fn only_the_listed_platforms_are_built() {
    let outcome = Workshop::new().build("platforms: [linux/arm64]\n");
    let built: Vec<String> =
        outcome.image.manifests.iter().map(|manifest| manifest.platform.to_string()).collect();
    assert_eq!(built, ["linux/arm64"]);
    let lost: Vec<String> =
        outcome.plan.platforms_lost.iter().map(|lost| lost.platform.to_string()).collect();
    assert_eq!(lost, ["linux/amd64"]);
}

#[test]
fn default_variants_are_the_architecture_and_attestations_are_no_platform() {
    let of = |platform: &Platform, text: &str| {
        let layer = base::skeleton().file("which", 0o644, text);
        base::settings(Image::new(platform).layer(&layer, Compression::Gzip))
    };
    let images = [
        of(&Platform::linux("amd64"), "first"),
        of(&Platform::linux("amd64"), "another form of the first"),
        of(&Platform { variant: Some("v8".to_owned()), ..Platform::linux("arm64") }, "arm"),
        of(&Platform::new("unknown", "unknown", None), "attestation"),
    ];
    let workshop = Workshop::new().base(MemoryImage::new(base::REFERENCE, &images));
    let outcome =
        workshop.build("paths: [{path: /srv/x, contents: x}]\nplatforms: [linux/amd64, linux/arm64]\n");
    let built: Vec<String> = outcome.image.manifests.iter().map(|image| image.platform.to_string()).collect();
    assert_eq!(built, ["linux/amd64", "linux/arm64"]);
    assert_eq!(outcome.on("amd64").file("which"), "first");
    assert_eq!(outcome.plan.platforms_lost, []);
}

#[test]
fn a_working_directory_that_is_there_stays_as_it_is() {
    let layer =
        base::layer("amd64").directory("srv").directory("srv/app").owned(3, 4).symlink("srv/link", "app");
    for path in ["/srv/app", "/srv/link"] {
        let outcome = Workshop::new().base_of(&layer).build(&format!("work-dir: {path}\n"));
        let view = outcome.amd64();
        assert_eq!(view.config().working_dir(), Some(path));
        assert_eq!(view.stat("srv/app"), "dir 0755 3:4");
        assert_eq!(view.layer_names(), ["base"], "{path}");
    }
    let file: Layer = layer.file("srv/file", 0o644, "x");
    let workshop = Workshop::new().base_of(&file);
    for (path, expected) in [
        ("/srv/file", "`/srv/file` is a file, not a directory"),
        (
            "/srv/file/app",
            "the document brings a path that cannot be followed: path `/srv/file/app` passes through `/srv/file`, which is a file",
        ),
    ] {
        let problems = workshop.problems(&format!("work-dir: {path}\n"));
        assert_eq!(problems, [format!("amd64: work-dir: {expected}")]);
    }
}
