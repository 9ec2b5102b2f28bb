//! Tests of layouts.

use std::fs;

use temper_oci::{Compression, Descriptor, Platform, ScanLimits, media_type, validate};
use temper_testkit::image::{Image, Layer};

use super::{Durability, Layout, LayoutError};

#[test]
fn images_are_written_and_found() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let layout = Layout::create(directory.path(), Durability::Relaxed).expect("is made");
    let image = Image::new(&Platform::linux("amd64")).layer(&Layer::new(), Compression::Gzip);
    let manifest = image.build(&mut |digest, bytes| {
        assert_eq!(layout.blobs().put(&bytes).expect("is written"), digest);
    });
    layout.set("1.0", manifest.clone()).expect("is set");
    let layout = Layout::open(directory.path(), Durability::Synced).expect("opens");
    let found = layout.find("1.0").expect("is read").expect("is there");
    assert_eq!(found.digest, manifest.digest);
    assert_eq!(validate(layout.blobs(), &found, &ScanLimits::default()).len(), 0);
    let version = fs::read_to_string(directory.path().join("oci-layout")).expect("is there");
    assert_eq!(version, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[test]
fn other_entries_and_fields_stay() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let layout = Layout::create(directory.path(), Durability::Relaxed).expect("is made");
    let entry = |text: &str| Descriptor::of(media_type::OCI_MANIFEST, text.as_bytes());
    layout.set("a", entry("1")).expect("is set");
    let path = directory.path().join("index.json");
    let text = fs::read_to_string(&path).expect("is there");
    let foreign = r#"{"mediaType":"text/x","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"note":[1]}"#;
    let text = text.replace("\"manifests\":[", &format!("\"manifests\":[{foreign},"));
    fs::write(&path, text.replacen('{', r#"{"x":true,"#, 1)).expect("is changed");
    layout.set("a", entry("2")).expect("is set");
    layout.set("b", entry("2")).expect("is set");
    assert!(layout.remove("b").expect("is removed"));
    assert!(!layout.remove("b").expect("is gone"));
    let text = fs::read_to_string(&path).expect("is there");
    assert!(text.contains(foreign) && text.contains(r#""x":true"#), "{text}");
    let digests: Vec<_> =
        layout.index().expect("is read").manifests.iter().map(|entry| entry.digest).collect();
    assert_eq!(digests, [temper_oci::Digest::of(""), temper_oci::Digest::of("2")]);
}

#[test]
fn other_folders_are_refused() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let open = || Layout::open(directory.path(), Durability::Relaxed);
    assert!(matches!(open(), Err(LayoutError::NoLayout(_))));
    fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("is written");
    assert!(matches!(open(), Err(LayoutError::Version { version, .. }) if version == "2.0.0"));
    fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("is written");
    fs::write(directory.path().join("index.json"), "{").expect("is written");
    assert!(matches!(open().expect("opens").index(), Err(LayoutError::Index { .. })));
}
