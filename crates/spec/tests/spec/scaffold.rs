//! Scaffolds: right as they are, and right with every field switched on.

use temper_spec::Customization;
use temper_spec::scaffold::{Scaffold, ScaffoldLine, ScaffoldTarget, chart, image};

fn scaffold(name: &str, targets: &[(&str, &str)]) -> Scaffold {
    let targets = targets.iter().map(|(destination, id)| ScaffoldTarget {
        destination: (*destination).to_owned(),
        line: ScaffoldLine::Definition((*id).to_owned()),
    });
    Scaffold { name: name.to_owned(), suffix: None, targets: targets.collect() }
}

/// Takes away the `#` of fields; prose begins with `# ` and stays.
fn switch_on(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(field) if !field.starts_with(' ') || field.starts_with("  ") => field.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

fn read(text: &str) -> Customization {
    Customization::parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems}")).value
}

#[test]
fn an_image_scaffold_shows_every_field() {
    let text = image(&scaffold("golang: with git", &[("acme/dhi-golang", "golang/debian-13/1.25")]));
    insta::assert_snapshot!("scaffold_image", text);
    let plain = read(&text);
    assert_eq!(plain.name, "golang: with git");
    assert_eq!(plain.targets[0].destination, "acme/dhi-golang");
    let everything = read(&switch_on(&text));
    let json = serde_json::to_value(&everything).expect("serializes");
    let mut keys: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "accounts",
        "annotations",
        "certificates",
        "cmd",
        "compression",
        "contents",
        "entrypoint",
        "environment",
        "labels",
        "name",
        "paths",
        "platforms",
        "stop-signal",
        "suffix",
        "targets",
        "work-dir",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn several_targets_have_no_fields_of_a_single_one() {
    let targets =
        [("acme/dhi-golang", "golang/debian-13/1.25"), ("acme/dhi-python", "python/debian-13/3.13")];
    let everything = read(&switch_on(&image(&scaffold("both", &targets))));
    assert_eq!((everything.accounts, everything.entrypoint, everything.targets.len()), (None, None, 2));
}

#[test]
fn a_chart_scaffold_maps_references() {
    let text = chart(&scaffold("mirrored", &[("acme/dhi-haproxy-chart", "haproxy/helm/1")]));
    let switched_on = read(&switch_on(&text));
    assert_eq!(switched_on.reference_mappings[0].to, "acme/dhi-haproxy");
}

#[test]
fn a_suffix_and_a_single_tag_are_written() {
    let line = ScaffoldLine::Tag("3.13".to_owned());
    let targets = vec![ScaffoldTarget { destination: "acme/python".to_owned(), line }];
    let suffix = Some("v2".to_owned());
    let document = read(&image(&Scaffold { name: "加固 v2".to_owned(), suffix, targets }));
    assert_eq!(document.tag_for("3.13"), "3.13_v2");
    assert_eq!(document.targets[0].tag.as_deref(), Some("3.13"));
}
