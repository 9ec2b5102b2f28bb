//! `labels`, `annotations` and `stop-signal`.

use temper_oci::Compression;
use temper_testkit::image::Image;

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

const CREATED: &str = "org.opencontainers.image.created";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
const BASE_NAME: &str = "org.opencontainers.image.base.name";

#[test]
fn labels_join_those_of_the_base() {
    let outcome = Workshop::new().build("labels: {team: web, \"org.example/x\": \"1\"}\n");
    for architecture in ["amd64", "arm64"] {
        let labels = outcome.on(architecture).config().labels();
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(labels, ["com.docker.dhi.name=base", "org.example/x=1", "team=web"]);
    }
}

#[test]
fn the_bases_config_keeps_its_order_and_what_is_new_follows_by_name() {
    let image = base::image("amd64").config(|config| {
        config.set_label("z", "1");
        config.set_label("b", "1");
        config.set_env(&["Z=1".to_owned(), "PATH=/usr/bin".to_owned(), "B=1".to_owned()]);
        config.add_volumes(&["/data".to_owned()]);
    });
    let workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &image));
    let outcome = workshop
        .build("labels: {y: \"2\", b: \"2\", a: \"2\"}\nenvironment: {Y: \"2\", B: \"2\", A: \"2\"}\n");
    let config = outcome.amd64().config();
    assert_eq!(config.env(), ["Z=1", "PATH=/usr/bin", "B=2", "A=2", "Y=2"]);
    let text = String::from_utf8(config.to_bytes()).expect("is text");
    let order = ["com.docker.dhi.name", "\"z\":\"1\"", "\"b\":\"2\"", "\"a\":\"2\"", "\"y\":\"2\""];
    let places: Vec<Option<usize>> = order.iter().map(|part| text.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    assert!(text.contains("\"Volumes\":{\"/data\":{}}"), "what the document does not speak of stays: {text}");
}

#[test]
fn annotations_go_on_index_and_manifests() {
    let annotated = |image: Image| {
        image
            .annotation("com.docker.dhi.version", "1.25")
            .annotation("note", "base")
            .annotation(CREATED, "2001-01-01T00:00:00Z")
            .annotation("org.opencontainers.image.ref.name", "1")
            .annotation(BASE_DIGEST, "sha256:0")
            .annotation(BASE_NAME, "scratch")
    };
    let images = ["amd64", "arm64"].map(|architecture| annotated(base::image(architecture)));
    let workshop = Workshop::new().base(MemoryImage::new(base::REFERENCE, &images));
    let outcome = workshop.build("annotations: {note: own, team: web}\n");
    let base = workshop.base.as_ref().expect("the workshop has a base");
    let name = (BASE_NAME.to_owned(), "registry.example/acme/base:1".to_owned());

    let index = outcome.index().annotations;
    let digest = (BASE_DIGEST.to_owned(), base.digest().to_string());
    let own = [("note".to_owned(), "own".to_owned()), ("team".to_owned(), "web".to_owned())];
    let created = (CREATED.to_owned(), base::CREATED.to_owned());
    let expected = [own.to_vec(), vec![digest, name.clone(), created.clone()]].concat();
    assert_eq!(index, expected.into_iter().collect());

    for architecture in ["amd64", "arm64"] {
        let view = outcome.on(architecture);
        let digest = (BASE_DIGEST.to_owned(), base.platform_digest(architecture).to_string());
        let kept = ("com.docker.dhi.version".to_owned(), "1.25".to_owned());
        let expected = [own.to_vec(), vec![digest, name.clone(), created.clone(), kept]].concat();
        assert_eq!(view.document().annotations, expected.into_iter().collect(), "{architecture}");
    }
}

#[test]
fn a_document_may_say_itself_when_an_image_was_made() {
    let outcome = Workshop::new().build(&format!("annotations: {{{CREATED}: \"2030-01-01T00:00:00Z\"}}\n"));
    assert_eq!(outcome.index().annotations[CREATED], "2030-01-01T00:00:00Z");
    assert_eq!(outcome.amd64().document().annotations[CREATED], "2030-01-01T00:00:00Z");
    assert_eq!(outcome.amd64().config().created(), Some(base::CREATED));
}

#[test]
fn an_image_without_an_index_gives_an_index_that_names_its_manifest() {
    let workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &base::image("arm64")));
    let outcome = workshop.build("labels: {a: b}\n");
    let base = workshop.base.as_ref().expect("the workshop has a base").digest().to_string();
    assert_eq!(outcome.index().annotations[BASE_DIGEST], base);
    assert_eq!(outcome.on("arm64").document().annotations[BASE_DIGEST], base);
}

#[test]
fn the_stop_signal_is_set() {
    let workshop = Workshop::new();
    for signal in ["SIGQUIT", "SIGRTMIN+3", "15"] {
        let outcome = workshop.build(&format!("stop-signal: {signal}\n"));
        assert_eq!(outcome.on("arm64").config().stop_signal(), Some(signal));
    }
    assert_eq!(workshop.build("labels: {a: b}\n").amd64().config().stop_signal(), None);
}

#[test]
fn documents_of_docker_become_those_of_oci_with_the_same_bytes() {
    let image =
        Image::new(&temper_oci::Platform::linux("amd64")).layer(&base::layer("amd64"), Compression::Gzip);
    let workshop =
        Workshop::new().base(MemoryImage::single(base::REFERENCE, &base::settings(image).docker()));
    let outcome = workshop.build("labels: {a: b}\n");
    let manifest = outcome.amd64().document();
    assert_eq!(manifest.media_type(), "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest.config.media_type, "application/vnd.oci.image.config.v1+json");
    assert_eq!(manifest.layers[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(outcome.index().media_type(), "application/vnd.oci.image.index.v1+json");
}
