//! `certificates`: PEM text of the document and PEM files of artifacts in the bundle and its links.

use temper_oci::Digest;
use temper_testkit::Deb;
use temper_testkit::image::{Image, Layer};
use temper_testkit::pem::{OTHER, SAME, SAME_CAPITALS};

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
const CONFIGURATION: &str = "etc/ca-certificates.conf";

/// Writes the field for PEM texts.
fn field(pems: &[&str]) -> String {
    let entry = |pem: &&str| format!("  - |\n    {}\n", pem.trim_end().replace('\n', "\n    "));
    format!("certificates:\n{}", pems.iter().map(entry).collect::<String>())
}

/// Returns the name of a certificate's file without its ending.
fn name(pem: &str) -> String {
    format!("temper-{}", Digest::of(pem).short())
}

fn with_bundle(layer: Layer, pem: &str) -> Layer {
    layer.directory("etc/ssl").directory("etc/ssl/certs").file(BUNDLE, 0o644, pem)
}

/// A base with the program and the configuration of Debian's package, and one certificate of two chosen.
fn with_program() -> Layer {
    with_bundle(base::layer("amd64"), OTHER)
        .file("usr/sbin/update-ca-certificates", 0o755, "program")
        .directory("usr/share")
        .directory("usr/share/ca-certificates")
        .file("usr/share/ca-certificates/a.crt", 0o644, OTHER)
        .file("usr/share/ca-certificates/b.crt", 0o644, SAME_CAPITALS)
        .file(CONFIGURATION, 0o644, "a.crt\n!b.crt\n")
        .symlink("etc/ssl/certs/a.pem", "/usr/share/ca-certificates/a.crt")
        .symlink("etc/ssl/certs/02cde4fa.0", "a.pem")
}

/// The package, as far as its files go.
fn package() -> Deb {
    Deb::new("ca-certificates", "1").file("usr/sbin/update-ca-certificates", 0o755, b"program").file(
        "usr/share/ca-certificates/mozilla/root.crt",
        0o644,
        OTHER.as_bytes(),
    )
}

#[test]
fn certificates_of_the_document_join_whatever_bundle_there_is() {
    for (base, packages, expected) in [
        (base::layer("amd64"), "", SAME.to_owned()),
        (with_bundle(base::layer("amd64"), OTHER), "", format!("{OTHER}{SAME}")),
        (with_bundle(base::layer("amd64"), SAME), "", SAME.to_owned()),
        (with_program(), "", format!("{OTHER}{SAME}")),
        (base::layer("amd64"), "contents: {packages: [ca-certificates]}\n", format!("{OTHER}{SAME}")),
    ] {
        let workshop = Workshop::new().base_of(&base).packages([package()]);
        let outcome = workshop.build(&(field(&[SAME]) + packages));
        let view = outcome.amd64();
        assert_eq!(view.file(BUNDLE), expected, "{packages}");
        let name = name(SAME);
        let local = format!("usr/local/share/ca-certificates/{name}.crt");
        assert_eq!(view.file(&local), SAME);
        assert_eq!(view.stat(&local), "file 0644 0:0");
        let pem = format!("etc/ssl/certs/{name}.pem");
        assert_eq!(view.stat(&pem), format!("link 0777 0:0 -> /{local}"));
        assert_eq!(view.stat("etc/ssl/certs/0f1c4625.0"), format!("link 0777 0:0 -> {name}.pem"));
        let maker = |path: &str| {
            let line = view.plan.generated.iter().find(|line| line.path == format!("/{path}"));
            line.map(|line| line.effect.as_str())
        };
        assert_eq!(maker(&pem), Some("certificates"), "{packages}");
    }
}

#[test]
fn one_text_may_hold_several_and_equal_hashes_are_numbered() {
    let outcome = Workshop::new().build(&field(&[&format!("# two\n{SAME}{SAME_CAPITALS}"), OTHER]));
    for architecture in ["amd64", "arm64"] {
        let view = outcome.on(architecture);
        let mut pems = [SAME, SAME_CAPITALS, OTHER];
        pems.sort_by_key(|pem| name(pem));
        assert_eq!(view.file(BUNDLE), pems.concat(), "in the order of file names");
        let mut links = [name(SAME), name(SAME_CAPITALS)];
        links.sort();
        for (number, link) in links.iter().enumerate() {
            let found = view.stat(&format!("etc/ssl/certs/0f1c4625.{number}"));
            assert_eq!(found, format!("link 0777 0:0 -> {link}.pem"));
        }
        assert_eq!(view.stat("etc/ssl/certs/02cde4fa.0"), format!("link 0777 0:0 -> {}.pem", name(OTHER)));
    }
}

#[test]
fn a_certificate_of_an_artifact_is_read_wherever_it_stands() {
    let layer = Layer::new()
        .directory("srv")
        .file("srv/ca.pem", 0o600, SAME)
        .symlink("srv/link.pem", "ca.pem")
        .directory("usr/local/share/ca-certificates")
        .file("usr/local/share/ca-certificates/own.crt", 0o644, SAME);
    let image = Image::new(&temper_oci::Platform::linux("amd64"))
        .layer(&layer, temper_oci::Compression::Gzip)
        .config(|config| config.set_env(&["STRAY=1".to_owned()]));
    let workshop = Workshop::new()
        .base_of(&with_bundle(base::layer("amd64"), OTHER))
        .artifact_image(MemoryImage::single("acme/ca:v1", &image));
    for path in ["srv/ca.pem", "/srv/link.pem", "usr/local/share/ca-certificates/own.crt"] {
        let outcome = workshop.build(&format!("certificates: [{{artifact: acme/ca:v1, path: {path}}}]\n"));
        let view = outcome.amd64();
        assert_eq!(view.file(BUNDLE), format!("{OTHER}{SAME}"), "{path}");
        assert_eq!(view.stat("srv/ca.pem"), "", "nothing else of the artifact is taken");
        assert_eq!(view.config().env(), ["PATH=/usr/bin", "BASE=1"], "{path}");
        assert_eq!(outcome.plan.artifacts.len(), 1);
        assert!(!view.layer_names().contains(&"artifact acme/ca:v1".to_owned()), "{path}");
    }
    let document =
        "contents: {artifacts: [{name: acme/ca:v1, includes: [usr/local/share/ca-certificates]}]}\n";
    let outcome = workshop.build(document);
    let view = outcome.amd64();
    assert_eq!(view.file(BUNDLE), format!("{OTHER}{SAME}"), "what is put there joins by itself");
    assert_eq!(view.stat("etc/ssl/certs/0f1c4625.0"), "link 0777 0:0 -> own.pem");
}

#[test]
fn what_is_no_certificate_is_a_problem_at_its_place() {
    let layer = Layer::new().directory("srv").file("srv/key.pem", 0o600, "-----BEGIN PRIVATE KEY-----\n");
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/ca:v1", &layer);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let unread =
        |path: &str| format!("artifact `acme/ca:v1` has no PEM certificate that can be read at `/{path}`");
    for (document, expected) in [
        (
            field(&[SAME, broken]),
            "amd64: certificates[1]: holds no PEM certificate that can be read".to_owned(),
        ),
        (
            "certificates: [{artifact: acme/ca:v1, path: srv/key.pem}]\n".to_owned(),
            format!("amd64: certificates[0]: {}", unread("srv/key.pem")),
        ),
        (
            "certificates: [{artifact: acme/ca:v1, path: /srv/none}]\n".to_owned(),
            format!("amd64: certificates[0]: {}", unread("srv/none")),
        ),
    ] {
        assert_eq!(workshop.problems(&document), [expected]);
    }
}

#[test]
fn a_bundle_that_the_document_brings_stays_as_it_is() {
    let document = field(&[SAME]) + &format!("paths: [{{path: /{BUNDLE}, contents: mine}}]\n");
    let outcome = Workshop::new().base_of(&with_bundle(base::layer("amd64"), OTHER)).build(&document);
    assert_eq!(outcome.amd64().file(BUNDLE), "mine");
}
