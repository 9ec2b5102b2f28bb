//! `environment`: customization over base over artifacts.

use temper_oci::{Compression, Platform};
use temper_testkit::image::{Image, Layer};

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

/// An artifact with one file in `/opt/NAME/bin` and these variables.
fn artifact(name: &str, variables: &[&str]) -> MemoryImage {
    let variables: Vec<String> = variables.iter().map(ToString::to_string).collect();
    let layer =
        Layer::new().directory("opt").directory(&format!("opt/{name}")).directory(&format!("opt/{name}/bin"));
    let layer = layer.file(&format!("opt/{name}/bin/{name}"), 0o755, "x");
    let image = Image::new(&Platform::linux("amd64")).layer(&layer, Compression::Gzip);
    MemoryImage::single(&format!("acme/{name}:v1"), &image.config(|config| config.set_env(&variables)))
}

/// Returns the environment with the origins of the plan: `NAME=value@origin`.
fn check(base: &[&str], artifacts: &[(&str, &[&str])], document: &str) -> Vec<String> {
    let variables: Vec<String> = base.iter().map(ToString::to_string).collect();
    let image = base::image("amd64").config(|config| config.set_env(&variables));
    let mut workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &image));
    let mut entries = String::new();
    for (name, variables) in artifacts {
        workshop = workshop.artifact_image(artifact(name, variables));
        entries.push_str(&["{name: acme/", name, ":v1, includes: [opt/", name, "]}, "].concat());
    }
    let outcome =
        workshop.build(&format!("contents: {{artifacts: [{entries}]}}\nenvironment: {{{document}}}\n"));
    let view = outcome.amd64();
    let planned = &view.plan.environment;
    let written: Vec<String> =
        planned.iter().map(|variable| format!("{}={}", variable.name, variable.value)).collect();
    assert_eq!(view.config().env(), written, "the plan says what the config has");
    planned
        .iter()
        .map(|variable| format!("{}={}@{}", variable.name, variable.value, variable.origin))
        .collect()
}

#[test]
fn the_customization_wins_and_the_order_stays() {
    assert_eq!(
        check(&["PATH=/usr/bin", "B=1", "A=1"], &[], "A: own, LOG_LEVEL: info, B: \"2\""),
        ["PATH=/usr/bin@base", "B=2@customization", "A=own@customization", "LOG_LEVEL=info@customization"]
    );
}

#[test]
fn an_artifact_fills_only_what_is_missing_or_empty() {
    let a: (&str, &[&str]) = ("a", &["B=a", "EMPTY=a", "NEW=a", "OWN=a"]);
    let b: (&str, &[&str]) = ("b", &["NEW=b", "B=b"]);
    assert_eq!(
        check(&["B=1", "EMPTY="], &[a, b], "OWN: own"),
        ["B=1@base", "EMPTY=a@acme/a:v1", "OWN=own@customization", "NEW=b@acme/b:v1"]
    );
}

#[test]
fn path_gets_the_artifacts_folders_that_exist_in_front() {
    let a: (&str, &[&str]) = ("a", &["PATH=/opt/a/bin:/usr/bin:/opt/none:/opt/a/bin"]);
    let b: (&str, &[&str]) = ("b", &["PATH=/opt/b/bin"]);
    for (base, document, expected) in [
        (&["PATH=/usr/bin"] as &[&str], "", "PATH=/opt/b/bin:/opt/a/bin:/usr/bin@acme/b:v1"),
        (&["PATH=/usr/bin"], "PATH: /own", "PATH=/opt/b/bin:/opt/a/bin:/usr/bin:/own@acme/b:v1"),
        (&["PATH=/usr/bin:/opt/a/bin"], "", "PATH=/opt/b/bin:/usr/bin:/opt/a/bin@acme/b:v1"),
        (
            &[],
            "",
            "PATH=/opt/b/bin:/opt/a/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin@acme/b:v1",
        ),
    ] {
        assert_eq!(check(base, &[a, b], document), [expected], "{base:?} {document}");
    }
}
