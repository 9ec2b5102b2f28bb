//! `compression`: the form of new layers, and of the base's where the document asks for gzip.

use temper_oci::{Compression, Digest, Platform};
use temper_testkit::image::{Image, Layer};

use crate::base;
use crate::image::MemoryImage;
use crate::outcome::Outcome;
use crate::workshop::Workshop;

const FILE: &str = "paths: [{path: /srv/x, contents: x}]\n";

/// Returns the endings of the layers' media types, lowest first.
fn forms(outcome: &Outcome) -> Vec<String> {
    let layers = outcome.image.manifests[0].layers.iter();
    layers.map(|layer| layer.media_type.rsplit('.').next().unwrap_or_default().to_owned()).collect()
}

/// A base of the hardened layer and a small one, in these forms.
fn image(first: Compression, second: Compression) -> MemoryImage {
    let image = Image::new(&Platform::linux("amd64"))
        .layer(&base::layer("amd64"), first)
        .layer(&Layer::new().directory("srv").file("srv/second", 0o644, "second"), second);
    MemoryImage::single(base::REFERENCE, &base::settings(image))
}

#[test]
fn layers_have_the_form_that_is_asked_for() {
    use Compression::{Gzip, None, Zstd};
    for (base, document, expected) in [
        // Without the field it is the base's form, if that is the same everywhere.
        ((Gzip, Gzip), "", ["tar+gzip", "tar+gzip", "tar+gzip"]),
        ((Zstd, Zstd), "", ["tar+zstd", "tar+zstd", "tar+zstd"]),
        ((Zstd, Gzip), "", ["tar+zstd", "tar+gzip", "tar+gzip"]),
        ((None, None), "", ["tar", "tar", "tar+gzip"]),
        // zstd is for new layers, gzip for every layer.
        ((Gzip, Gzip), "compression: ZSTD\n", ["tar+gzip", "tar+gzip", "tar+zstd"]),
        ((Zstd, Gzip), "compression: GZIP\n", ["tar+gzip", "tar+gzip", "tar+gzip"]),
        ((None, Zstd), "compression: gzip\n", ["tar+gzip", "tar+gzip", "tar+gzip"]),
    ] {
        let workshop = Workshop::new().base(image(base.0, base.1));
        let outcome = workshop.build(&format!("{document}{FILE}"));
        assert_eq!(forms(&outcome), expected, "{base:?} {document}");
        let view = outcome.amd64();
        assert_eq!(view.file("srv/second"), "second");
        assert_eq!(view.file("usr/bin/app"), "app");
        let form = if expected[2].ends_with("zstd") { "zstd" } else { "gzip" };
        assert_eq!(outcome.plan.compression, form);
        let warned = outcome.plan.findings.warnings.iter().any(|finding| finding.path == "compression");
        assert_eq!(warned, form == "zstd", "{base:?} {document}");
    }
}

#[test]
fn a_base_written_again_keeps_its_content_and_is_written_once() {
    let workshop = Workshop::new().base(image(Compression::Zstd, Compression::Gzip));
    let document = format!("compression: GZIP\n{FILE}");
    let first = workshop.build(&document);
    let names = first.amd64().layer_names();
    assert_eq!(names, ["base, written again as gzip", "base", "files"]);
    let unknown: Vec<bool> = first.amd64().plan.layers.iter().map(|layer| layer.digest.is_none()).collect();
    assert_eq!(unknown, [true, false, true]);

    let plain = workshop.build(FILE);
    let diff_ids = |outcome: &Outcome| -> Vec<Digest> { outcome.amd64().config().diff_ids().to_vec() };
    assert_eq!(diff_ids(&first), diff_ids(&plain), "the same archives in another form");

    let second = workshop.build(&document);
    assert_eq!(second.digest(), first.digest());
    let known =
        second.amd64().plan.layers.iter().all(|layer| layer.action == "reused" && layer.size_bytes.is_some());
    assert!(known, "{:?}", second.amd64().plan.layers);
    let sizes: u64 = second.image.manifests[0].layers.iter().map(|layer| layer.size).sum();
    assert_eq!(second.amd64().plan.size_bytes, Some(sizes));
}
