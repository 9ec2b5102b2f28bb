//! Validation of images.

use std::collections::BTreeMap;

use temper_oci::{
    Compression, Descriptor, Digest, Platform, ScanLimits, media_type, validate, validate_layers,
};
use temper_testkit::image::{Image, Layer, build_index, compress};

type Blobs = BTreeMap<Digest, Vec<u8>>;

fn base() -> Layer {
    Layer::new().directory("usr").file("usr/app", 0o755, "app").hardlink("usr/app2", "usr/app")
}

fn image(architecture: &str) -> Image {
    let upper = Layer::new().whiteout("usr/app").opaque("var").file("etc/x", 0o644, "x");
    Image::new(&Platform::linux(architecture))
        .layer(&base(), Compression::Gzip)
        .layer(&upper, Compression::Zstd)
        .layer(&Layer::new(), Compression::None)
}

fn build(image: &Image) -> (Blobs, Descriptor) {
    let mut blobs = Blobs::new();
    let root = image.build(&mut |digest, bytes| drop(blobs.insert(digest, bytes)));
    (blobs, root)
}

fn violations(blobs: &Blobs, root: &Descriptor) -> Vec<String> {
    validate(blobs, root, &ScanLimits::default()).iter().map(ToString::to_string).collect()
}

/// Checks that a layer has exactly these violations.
fn check_layer(layer: &Layer, expected: &[&str]) {
    let (blobs, root) = build(&Image::new(&Platform::linux("amd64")).layer(layer, Compression::Gzip));
    let expected: Vec<String> = expected.iter().map(|text| format!("manifest, layer 0: {text}")).collect();
    assert_eq!(violations(&blobs, &root), expected);
}

#[test]
fn good_images_have_no_violations() {
    let mut blobs = Blobs::new();
    let images = [image("amd64"), image("arm64"), image("riscv64").docker()];
    let root = build_index(&images, &mut |digest, bytes| drop(blobs.insert(digest, bytes)));
    assert_eq!(violations(&blobs, &root), [""; 0]);
    let (violations, indexes) = validate_layers(&blobs, &root, &ScanLimits::default());
    assert!(violations.is_empty());
    let own: Vec<Digest> = indexes.values().map(|index| index.diff_id).collect();
    assert!(own.contains(&Digest::of(base().to_tar())), "{own:?}");
}

#[test]
fn damaged_blobs_are_found() {
    let (blobs, root) = build(&image("amd64"));
    let empty = Digest::of(Layer::new().to_tar());
    let mut cut = blobs.clone();
    cut.remove(&empty);
    assert_eq!(violations(&cut, &root), [format!("manifest, layer 2: `{empty}` is missing")]);
    let mut changed = blobs.clone();
    changed.insert(empty, vec![1; 1024]);
    let report = violations(&changed, &root).join("\n");
    assert!(report.contains("layer 2: digest is"), "{report}");
    assert!(report.contains("layer 2: archive header at byte 0 has a wrong checksum"), "{report}");
    let mut longer = blobs.clone();
    longer.insert(empty, vec![0; 4096]);
    let report = violations(&longer, &root).join("\n");
    assert!(report.contains("layer 2: size is 1025 bytes, not 1024"), "{report}");
    let mut gone = blobs;
    gone.remove(&root.digest);
    assert_eq!(violations(&gone, &root), [format!("manifest: `{}` is missing", root.digest)]);
}

#[test]
fn configs_are_compared_with_their_manifest() {
    let good = image("amd64");
    let fewer = good.clone().config(|config| config.set_diff_ids(config.diff_ids()[..2].to_vec()));
    let (blobs, root) = build(&fewer);
    assert_eq!(violations(&blobs, &root), ["manifest, config: config has 2 diff ids, manifest has 3 layers"]);
    let history = good.clone().config(|config| config.set_history(config.history()[..1].to_vec()));
    let (blobs, root) = build(&history);
    assert_eq!(
        violations(&blobs, &root),
        ["manifest, config: history has 1 entries with a layer, manifest has 3 layers"]
    );
    let swapped = good.clone().config(|config| {
        config.set_diff_ids([config.diff_ids(), &[]].concat().into_iter().rev().collect());
    });
    let (blobs, root) = build(&swapped);
    let report = violations(&blobs, &root);
    assert_eq!(report.len(), 2);
    assert!(report.iter().all(|text| text.contains(": diff id is `sha256:")), "{report:?}");
    let (blobs, root) = build(&good);
    let elsewhere = root.with_platform(&Platform::linux("arm64"));
    assert_eq!(
        violations(&blobs, &elsewhere),
        ["manifest, config: platform is `linux/amd64` in the config, `linux/arm64` in the index"]
    );
}

#[test]
fn media_types_and_annotations_are_checked() {
    let (mut blobs, root) = build(&image("amd64").annotation("a key", "x"));
    assert_eq!(
        violations(&blobs, &root),
        ["manifest: annotation key `a key` is empty or has spaces or control characters"]
    );
    let text = String::from_utf8(blobs[&root.digest].clone()).expect("is text");
    let text = text.replace("a key", "key").replace("tar+gzip", "tar");
    let other = Descriptor::of(media_type::OCI_MANIFEST, text.as_bytes());
    blobs.insert(other.digest, text.into_bytes());
    assert_eq!(
        violations(&blobs, &other),
        ["manifest, layer 0: media type says compression `none`, the bytes are `gzip`"]
    );
    let wrong = Descriptor { media_type: media_type::OCI_INDEX.to_owned(), ..other };
    assert!(violations(&blobs, &wrong)[0].starts_with("index: document says that it is"));
}

#[test]
fn platforms_stand_once() {
    let mut blobs = Blobs::new();
    let images = [image("amd64"), image("amd64")];
    let root = build_index(&images, &mut |digest, bytes| drop(blobs.insert(digest, bytes)));
    assert_eq!(
        violations(&blobs, &root),
        ["index, linux/amd64: platform `linux/amd64` stands twice in the index"]
    );
}

#[test]
fn layers_are_looked_into() {
    check_layer(&base().file("usr/app", 0o644, ""), &["path `usr/app` stands twice in the layer"]);
    check_layer(&base().whiteout("usr/app"), &["path `usr/app` is both removed and written"]);
    check_layer(&base().whiteout("usr"), &["path `usr` is both removed and written"]);
    check_layer(&base().whiteout("x").whiteout("x"), &["path `x` stands twice in the layer"]);
    check_layer(
        &Layer::new().file("a/b", 0o644, "").directory("a"),
        &["directory `a` comes after what it holds"],
    );
    check_layer(
        &Layer::new().symlink("a", "b").file("a/c", 0o644, ""),
        &["path `a/c` lies below `a`, which is no directory"],
    );
    check_layer(
        &Layer::new().hardlink("a", "b").file("b", 0o644, ""),
        &["hard link `a` names `b`, which is no earlier file of the layer"],
    );
    check_layer(&Layer::new().file("../x", 0o644, ""), &["archive entry `../x` has a `..` component"]);
    check_layer(&Layer::new().file("usr-x", 0o644, "").whiteout("usr"), &[]);
}

#[test]
fn segmented_layers_are_one_stream() {
    let tar = base().to_tar();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let (mut blobs, root) = build(&Image::new(&Platform::linux("amd64")).layer_tar(&tar, compression));
        let whole = compress(&tar, compression);
        let parts = [compress(&tar[..700], compression), compress(&tar[700..], compression)].concat();
        let text = String::from_utf8(blobs[&root.digest].clone()).expect("is text");
        let text = text
            .replace(&Digest::of(&whole).to_string(), &Digest::of(&parts).to_string())
            .replace(&format!("\"size\":{}}}]", whole.len()), &format!("\"size\":{}}}]", parts.len()));
        let root = Descriptor::of(media_type::OCI_MANIFEST, text.as_bytes());
        blobs.insert(root.digest, text.into_bytes());
        blobs.insert(Digest::of(&parts), parts);
        assert_eq!(violations(&blobs, &root), [""; 0], "{compression}");
    }
}
