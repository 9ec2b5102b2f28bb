//! Manifests and indexes.

use temper_oci::document::ImageDocument;
use temper_oci::{Digest, DocumentError, Index, Manifest, Platform, media_type};

fn descriptor(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":1}}"#, Digest::of("x"))
}

fn manifest(media_type: &str, layer_type: &str) -> String {
    let (config, layer) = (descriptor(media_type::OCI_CONFIG), descriptor(layer_type));
    format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{layer}]}}"#)
}

#[test]
fn unknown_fields_and_bytes_stay() {
    let text = format!(
        r#"{{ "x": {{"b":1,"a":2}}, "schemaVersion":2,"config":{},"layers":[{{"urls":["u"],"mediaType":"{}","digest":"{}","size":7,"data":"eA=="}}],"annotations":null}}"#,
        descriptor(media_type::OCI_CONFIG),
        media_type::OCI_LAYER,
        Digest::of("x"),
    );
    let ImageDocument::Manifest(manifest) = ImageDocument::parse(text.clone(), None).expect("parses") else {
        panic!("is a manifest");
    };
    assert_eq!(manifest.bytes(), text.as_bytes());
    assert_eq!(manifest.digest(), Digest::of(&text));
    assert_eq!(manifest.media_type(), media_type::OCI_MANIFEST);
    let written = String::from_utf8(manifest.to_bytes()).expect("is text");
    assert!(written.contains(r#""x":{"b":1,"a":2}"#), "{written}");
    assert!(written.contains(r#""urls":["u"],"data":"eA==""#), "{written}");
    let again = ImageDocument::parse(written, None).expect("parses");
    assert!(matches!(again, ImageDocument::Manifest(again) if *again == Manifest::clone(&manifest)));
}

#[test]
fn what_is_not_an_image_is_refused() {
    let good = manifest(media_type::OCI_MANIFEST, media_type::OCI_LAYER_GZIP);
    let both = good.replace("\"config\"", "\"manifests\":[],\"config\"");
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (text, given, expected) in [
        (
            r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
            None,
            "manifest has schema version 1, only 2 is supported",
        ),
        (good.replace(":2,", ":3,"), None, "manifest has schema version 3, only 2 is supported"),
        (manifest(media_type::DOCKER_MANIFEST, foreign), None, "is a foreign layer, which is not supported"),
        (both, None, "document has both `manifests` and `layers` or `config`"),
        ("{}".to_owned(), None, "document is neither an image manifest nor an image index"),
        ("[]".to_owned(), None, "manifest or index cannot be parsed"),
        (good.clone(), Some(media_type::DOCKER_MANIFEST), "but was given as `application/vnd.docker"),
        (manifest(media_type::OCI_INDEX, media_type::OCI_LAYER), None, "image manifest has the media type"),
        (good.replace("\"size\":1", "\"size\":-1"), None, "image manifest cannot be parsed"),
        (format!("{good}{}", " ".repeat(5 << 20)), None, "more than 4194304"),
    ] {
        let error = ImageDocument::parse(text, given).expect_err(expected);
        assert!(error.to_string().contains(expected), "`{error}` is not `{expected}`");
        assert_eq!(error.hint().is_some(), matches!(error, DocumentError::SchemaVersion(1)));
    }
    assert!(
        ImageDocument::parse(good, Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8")).is_ok()
    );
}

#[test]
fn attestations_are_no_images_of_an_index() {
    let entry = |architecture: &str, variant: &str| {
        let platform = format!(r#""platform":{{"os":"linux","architecture":"{architecture}"{variant}}}"#);
        descriptor(media_type::OCI_MANIFEST).replace("\"size\"", &format!("{platform},\"size\""))
    };
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{},{},{}]}}"#,
        entry("amd64", ""),
        entry("arm64", r#","variant":"v8","os.version":"1""#),
        entry("unknown", ""),
        descriptor(media_type::OCI_MANIFEST),
    );
    let ImageDocument::Index(index) = ImageDocument::parse(text, None).expect("parses") else {
        panic!("is an index");
    };
    let platforms: Vec<String> = index.images().map(|(platform, _)| platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert!(index.find(&Platform::linux("arm64")).is_some());
    assert!(index.find(&Platform::linux("s390x")).is_none());
    let written = String::from_utf8(Index::to_bytes(&index)).expect("is text");
    assert!(written.contains(r#""variant":"v8","os.version":"1""#), "{written}");
}
