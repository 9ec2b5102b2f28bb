//! `contents.artifacts`: chosen files of other images.

use temper_oci::{Compression, Platform};
use temper_testkit::image::{Image, Layer};

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

fn tools() -> Layer {
    Layer::new()
        .directory("opt")
        .directory("opt/tools")
        .directory("opt/tools/bin")
        .file("opt/tools/bin/one", 0o755, "one")
        .owned(7, 8)
        .file("opt/tools/bin/two", 0o4755, "two")
        .directory("opt/tools/doc")
        .file("opt/tools/doc/one.txt", 0o644, "doc")
        .file("opt/tools/doc/two.md", 0o644, "doc")
        .file("opt/other", 0o644, "other")
}

/// Returns the paths below `opt` that one artifact brings.
fn check(selection: &str, expected: &[&str]) {
    let workshop = Workshop::new().artifact("acme/tools:v1", &tools());
    let outcome =
        workshop.build(&format!("contents: {{artifacts: [{{name: acme/tools:v1, {selection}}}]}}\n"));
    assert_eq!(outcome.amd64().layer_paths("artifact acme/tools:v1"), expected, "{selection}");
}

#[test]
fn only_included_paths_come_with_their_parents() {
    check("includes: [opt/other]", &["opt", "opt/other"]);
    check("includes: [/opt/tools/bin/one]", &["opt", "opt/tools", "opt/tools/bin", "opt/tools/bin/one"]);
    check(
        "includes: [opt/tools], excludes: [opt/tools/doc]",
        &["opt", "opt/tools", "opt/tools/bin", "opt/tools/bin/one", "opt/tools/bin/two"],
    );
    check(
        "includes: [\"opt/tools/*/one*\"]",
        &["opt", "opt/tools", "opt/tools/bin", "opt/tools/bin/one", "opt/tools/doc", "opt/tools/doc/one.txt"],
    );
    check(
        "includes: [\"**/*.md\", \"opt/o?her\"]",
        &["opt", "opt/other", "opt/tools", "opt/tools/doc", "opt/tools/doc/two.md"],
    );
    check(
        "includes: [opt/tools/doc], excludes: [\"**/*.md\"]",
        &["opt", "opt/tools", "opt/tools/doc", "opt/tools/doc/one.txt"],
    );
}

#[test]
fn owner_and_mode_are_the_artifacts_and_rights_are_reported() {
    let workshop = Workshop::new().artifact("acme/tools:v1", &tools());
    let outcome = workshop.build("contents: {artifacts: [{name: acme/tools:v1, includes: [opt]}]}\n");
    let view = outcome.amd64();
    assert_eq!(view.stat("opt/tools/bin/one"), "file 0755 7:8");
    assert_eq!(view.stat("opt/tools/bin/two"), "file 4755 0:0");
    let warnings: Vec<&str> =
        view.plan.findings.warnings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(warnings, ["`/opt/tools/bin/two` is written with setuid"]);
}

#[test]
fn an_include_without_a_match_is_a_problem_and_an_exclude_a_warning() {
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/tools:v1", &tools());
    let selected =
        |selection: &str| format!("contents: {{artifacts: [{{name: acme/tools:v1, {selection}}}]}}\n");
    assert_eq!(
        workshop.problems(&selected("includes: [opt/other, opt/tols]")),
        [
            "amd64: contents.artifacts[0].includes[1]: `includes` of artifact `acme/tools:v1` name `opt/tols`, which matches nothing in it"
        ]
    );
    let outcome = workshop.build(&selected("includes: [opt/other], excludes: [opt/none]"));
    let warnings = &outcome.amd64().plan.findings.warnings;
    assert_eq!(
        warnings[0].message,
        "`excludes` of artifact `acme/tools:v1` name `opt/none`, which matches nothing"
    );
    assert!(warnings[0].path.starts_with("contents.artifacts[0]"), "{warnings:?}");
}

#[test]
fn later_artifacts_and_the_document_win_and_collisions_are_told() {
    let file = |text: &str| Layer::new().directory("etc").file("etc/motd", 0o644, text);
    let workshop = Workshop::new()
        .base_of(&base::layer("amd64").file("etc/motd", 0o644, "base"))
        .artifact("acme/a:v1", &file("a"))
        .artifact("acme/b:v1", &file("b"))
        .artifact("acme/same:v1", &file("base"));
    let artifacts = |names: &[&str]| {
        let entries: Vec<String> =
            names.iter().map(|name| format!("{{name: acme/{name}:v1, includes: [etc/motd]}}")).collect();
        format!("contents: {{artifacts: [{}]}}\n", entries.join(", "))
    };
    let document = "paths: [{path: /etc/motd, contents: document}]\n";
    for (body, content, collisions) in [
        (
            artifacts(&["a", "b"]),
            "b",
            vec!["base < artifact acme/a:v1", "artifact acme/a:v1 < artifact acme/b:v1"],
        ),
        (
            artifacts(&["b", "a"]),
            "a",
            vec!["base < artifact acme/b:v1", "artifact acme/b:v1 < artifact acme/a:v1"],
        ),
        (artifacts(&["same"]), "base", vec![]),
        (
            artifacts(&["a"]) + document,
            "document",
            vec!["base < artifact acme/a:v1", "artifact acme/a:v1 < document"],
        ),
    ] {
        let outcome = workshop.build(&body);
        let view = outcome.amd64();
        assert_eq!(view.file("etc/motd"), content, "{body}");
        let mut found: Vec<String> =
            view.plan.collisions.iter().map(|line| format!("{} < {}", line.loser, line.winner)).collect();
        let mut collisions = collisions;
        found.sort();
        collisions.sort_unstable();
        assert_eq!(found, collisions, "{body}");
        assert!(view.plan.collisions.iter().all(|line| line.path == "/etc/motd" && line.kind == "content"));
    }
}

#[test]
fn each_platform_gets_its_own_variant() {
    let image = |architecture: &str| {
        let layer = Layer::new().file("which", 0o644, architecture);
        Image::new(&Platform::linux(architecture)).layer(&layer, Compression::Zstd)
    };
    let artifact = MemoryImage::new("acme/which:v1", &[image("arm64"), image("amd64")]);
    let outcome = Workshop::new()
        .artifact_image(artifact)
        .build("contents: {artifacts: [{name: acme/which:v1, includes: [which]}]}\n");
    for architecture in ["amd64", "arm64"] {
        assert_eq!(outcome.on(architecture).file("which"), architecture);
    }
}

#[test]
fn only_the_environment_of_an_artifacts_config_is_taken() {
    let image = Image::new(&Platform::linux("amd64")).layer(&tools(), Compression::Gzip).config(|config| {
        config.set_env(&[
            "TOOL=1".to_owned(),
            "BASE=2".to_owned(),
            "PATH=/opt/tools/bin:/opt/none:/usr/bin".to_owned(),
        ]);
        config.set_user("0");
        config.set_entrypoint(Some(&["/opt/other".to_owned()]));
        config.set_working_dir("/opt");
        config.set_label("tool", "1");
        config.set_stop_signal("SIGKILL");
    });
    let outcome = Workshop::new()
        .base_of(&base::layer("amd64"))
        .artifact_image(MemoryImage::single("acme/tools:v1", &image))
        .build("contents: {artifacts: [{name: acme/tools:v1, includes: [opt/tools]}]}\n");
    let config = outcome.amd64().config();
    assert_eq!(config.env(), ["PATH=/opt/tools/bin:/usr/bin", "BASE=1", "TOOL=1"]);
    assert_eq!(config.user(), Some("65532"));
    assert_eq!(config.entrypoint(), Some(vec!["/usr/bin/app".to_owned()]));
    assert_eq!((config.working_dir(), config.stop_signal()), (None, None));
    assert_eq!(config.labels().get("tool"), None);
}

#[test]
fn one_artifact_may_be_taken_from_twice() {
    let outcome = Workshop::new().artifact("acme/tools:v1", &tools()).build(
        "contents: {artifacts: [{name: acme/tools:v1, includes: [opt/other]}, {name: acme/tools:v1, includes: [opt/tools/doc]}]}\n",
    );
    assert_eq!(outcome.amd64().file("opt/other"), "other");
    assert_eq!(outcome.amd64().file("opt/tools/doc/two.md"), "doc");
    assert_eq!(outcome.amd64().plan.collisions, []);
}
