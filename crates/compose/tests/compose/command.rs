//! `entrypoint` and `cmd`: appended, replaced or prepended.

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn workshop((entrypoint, cmd): (&str, &str)) -> Workshop {
    let image = base::image("amd64").config(|config| {
        config.set_entrypoint(Some(words(entrypoint)).filter(|words| !words.is_empty()).as_deref());
        config.set_cmd(Some(words(cmd)).filter(|words| !words.is_empty()).as_deref());
    });
    Workshop::new().base(MemoryImage::single(base::REFERENCE, &image))
}

/// Builds and returns `entrypoint (origin) | cmd (origin)`.
fn check(base: (&str, &str), document: &str, expected: &str) {
    let outcome = workshop(base).build(document);
    let view = outcome.amd64();
    let (entrypoint, cmd) = (&view.plan.entrypoint, &view.plan.cmd);
    assert_eq!(view.config().entrypoint().unwrap_or_default(), entrypoint.value);
    assert_eq!(view.config().cmd().unwrap_or_default(), cmd.value);
    let found = format!(
        "{} ({}) | {} ({})",
        entrypoint.value.join(" "),
        entrypoint.origin,
        cmd.value.join(" "),
        cmd.origin
    );
    assert_eq!(found, expected, "{base:?} {document}");
}

#[test]
fn arguments_are_appended_replaced_and_prepended() {
    let base = ("/usr/bin/app", "--serve");
    check(base, "labels: {a: b}\n", "/usr/bin/app (base) | --serve (base)");
    check(base, "entrypoint: [--flag]\n", "/usr/bin/app --flag (base and customization) | --serve (base)");
    check(base, "cmd: [--verbose]\n", "/usr/bin/app (base) | --serve --verbose (base and customization)");
    check(base, "entrypoint: {replace: [app, x]}\n", "app x (customization) |  ()");
    check(
        base,
        "entrypoint: {replace: [app]}\ncmd: {replace: [y]}\n",
        "app (customization) | y (customization)",
    );
    check(
        base,
        "entrypoint: {prepend: [/usr/bin/app]}\n",
        "/usr/bin/app /usr/bin/app (base and customization) | --serve (base)",
    );
    check(base, "cmd: {prepend: [first]}\n", "/usr/bin/app (base) | first --serve (base and customization)");
    check(base, "cmd: {replace: []}\n", "/usr/bin/app (base) |  (customization)");
    check(("", ""), "entrypoint: [app]\n", "app (customization) |  ()");
    check(("", "app"), "cmd: [x]\n", " () | app x (base and customization)");
}

#[test]
fn a_command_that_cannot_run_is_a_problem() {
    for (base, document, expected) in [
        (
            ("", ""),
            "entrypoint: [--flag]\n",
            "amd64: entrypoint: the base has no entrypoint to append `--flag` to",
        ),
        (
            ("/usr/bin/app", ""),
            "entrypoint: {replace: [/usr/bin/none]}\n",
            "amd64: entrypoint: `/usr/bin/none` is not an executable file in the image",
        ),
        (
            ("/usr/bin/app", ""),
            "paths: [{path: /usr/bin/app, contents: x, mode: \"0644\"}]\n",
            "amd64: entrypoint: `/usr/bin/app` is not an executable file in the image",
        ),
        (("/gone", ""), "cmd: [x]\n", "amd64: entrypoint: `/gone` is not an executable file in the image"),
    ] {
        assert_eq!(workshop(base).problems(document), [expected], "{base:?} {document}");
    }
}

#[test]
fn a_missing_program_of_an_untouched_base_does_not_block() {
    check(("/gone", ""), "labels: {a: b}\n", "/gone (base) |  ()");
}

#[test]
fn a_removed_program_blocks() {
    let fields = "Version: 1\nArchitecture: amd64\nDescription: x\n";
    let layer = base::debian(&[("tool", fields, &["usr/bin/tool"])]);
    let image =
        base::image_of("amd64", &layer).config(|config| config.set_entrypoint(Some(&words("/usr/bin/tool"))));
    let workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &image));
    assert_eq!(
        workshop.problems("contents: {packages: [\"!tool\"]}\n"),
        ["amd64: entrypoint: `/usr/bin/tool` is not an executable file in the image"]
    );
}

#[test]
fn words_after_a_shells_script_are_warned_of() {
    let outcome = workshop(("sh -c true", ""))
        .plan("entrypoint: [x]\npaths: [{path: /usr/bin/sh, contents: x, mode: \"0755\"}]\n");
    let warnings = &outcome.platforms[0].findings.warnings;
    assert_eq!(warnings[0].path, "entrypoint");
    assert!(warnings[0].hint.as_deref().is_some_and(|hint| hint.contains("replace")), "{warnings:?}");
}

#[test]
fn a_program_of_the_document_or_of_a_package_is_found_through_path() {
    check(
        ("/usr/bin/app", ""),
        "entrypoint: {replace: [start]}\nenvironment: {PATH: /srv/bin}\npaths: [{path: /srv/bin/start, contents: x, mode: \"0755\"}]\n",
        "start (customization) |  ()",
    );
}

#[test]
fn a_program_that_a_new_path_or_working_directory_loses_blocks() {
    for (entrypoint, document) in
        [("app", "environment: {PATH: /srv/bin}\n"), ("bin/app", "work-dir: /srv\n")]
    {
        let image = base::image("amd64").config(|config| {
            config.set_entrypoint(Some(&words(entrypoint)));
            config.set_working_dir("/usr");
        });
        let workshop = Workshop::new().base(MemoryImage::single(base::REFERENCE, &image));
        assert_eq!(
            workshop.problems(document),
            [format!("amd64: entrypoint: `{entrypoint}` is not an executable file in the image")]
        );
    }
}
