//! The plan: its JSON as a whole, and what it says before anything is built.

use serde_json::Value;
use temper_compose::{Finding, Plan};
use temper_testkit::Deb;
use temper_testkit::image::Layer;
use temper_testkit::pem::SAME;

use crate::base;
use crate::image::MemoryImage;
use crate::workshop::Workshop;

/// Replaces what depends on the library that compressed the base: digests, and sizes of what has one.
fn settled(plan: &Plan) -> String {
    fn visit(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                if fields.contains_key("digest") && fields.contains_key("size_bytes") {
                    fields["size_bytes"] = Value::from(0);
                }
                fields.values_mut().for_each(visit);
            }
            Value::Array(items) => items.iter_mut().for_each(visit),
            Value::String(text) if text.starts_with("sha256:") => "sha256:…".clone_into(text),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(plan).expect("plans are JSON");
    visit(&mut value);
    serde_json::to_string_pretty(&value).expect("values are JSON")
}

#[test]
fn the_whole_plan_is_as_documented() {
    let installed = "Version: 1.0\nArchitecture: amd64\nDescription: x\n";
    let layer = base::debian(&[
        ("gone", installed, &["usr", "usr/lib", "usr/lib/gone"]),
        ("library", installed, &["usr", "usr/lib", "usr/lib/library.so"]),
    ]);
    let tool = Deb::new("tool", "2.0")
        .depends("library (>= 2)")
        .file("usr/bin/tool", 0o755, b"tool")
        .file("usr/lib/ours", 0o644, b"package")
        .script("postinst", "#!/bin/sh\nadduser --system --group tool\nupdate-alternatives --install /usr/bin/t t /usr/bin/tool 5\nmystery --now\n");
    let artifact = Layer::new()
        .directory("srv")
        .file("srv/run", 0o4755, "run")
        .owned(7, 8)
        .symlink("srv/link", "run")
        .directory("usr")
        .directory("usr/lib")
        .file("usr/lib/ours", 0o644, "artifact");
    let plan = Workshop::new()
        .base_of(&layer)
        .packages([tool, Deb::new("library", "2.0").file("usr/lib/library.so", 0o644, b"two")])
        .artifact("acme/tools:v1", &artifact)
        .plan(&format!(
            "contents:\n  packages: [tool, \"!gone\", \"!tol\"]\n  artifacts: [{{name: acme/tools:v1, includes: [srv, \
             usr/lib]}}]\npaths: [{{path: /srv/start, contents: start, mode: \"0755\"}}, {{path: /proc/x, contents: x}}]\n\
             accounts: {{runs-as: app, users: [{{name: app, uid: 10001}}]}}\nenvironment: {{LOG_LEVEL: info}}\n\
             entrypoint: [--flag]\nwork-dir: /srv/work\ncertificates:\n  - |\n    {}\n",
            SAME.trim_end().replace('\n', "\n    ")
        ));
    let back: Plan =
        serde_json::from_value(serde_json::to_value(&plan).expect("is JSON")).expect("reads back");
    assert_eq!(back, plan);
    insta::assert_snapshot!("plan", settled(&plan));
}

/// Returns the warnings of the plan for amd64, and of all platforms together.
fn warnings(workshop: &Workshop, body: &str) -> Vec<String> {
    let plan = workshop.plan(body);
    let line = |finding: &Finding| format!("{}: {}", finding.path, finding.message);
    let own = plan.platforms[0].findings.warnings.iter();
    plan.findings.warnings.iter().chain(own).map(line).collect()
}

#[test]
fn what_artifacts_and_the_document_bring_is_listed_with_its_origin() {
    let layer = |text: &str| {
        Layer::new()
            .directory("srv")
            .file("srv/both", 0o644, text)
            .file(&format!("srv/{text}"), 0o600, text)
            .owned(3, 4)
    };
    let plan = Workshop::new()
        .base_of(&base::layer("amd64"))
        .artifact("acme/a:v1", &layer("a"))
        .artifact("acme/b:v1", &layer("b").directory("etc").file("etc/passwd", 0o644, base::PASSWD))
        .plan(
            "contents: {artifacts: [{name: acme/a:v1, includes: [/]}, {name: acme/b:v1, includes: [/]}]}\npaths: [{path: \
             /bin/start, contents: start, mode: \"0755\"}]\naccounts: {users: [{name: app, uid: 1}]}\n",
        );
    let files: Vec<String> = plan.platforms[0]
        .files
        .iter()
        .map(|file| {
            let size = file.size_bytes.map(|size| format!(" {size}")).unwrap_or_default();
            format!(
                "{} {} {} {}:{}{size} {}",
                file.path, file.kind, file.mode, file.uid, file.gid, file.origin
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            "/srv directory 0755 0:0 artifact acme/a:v1",
            "/srv/a file 0600 3:4 1 artifact acme/a:v1",
            "/srv/b file 0600 3:4 1 artifact acme/b:v1",
            "/srv/both file 0644 0:0 1 artifact acme/b:v1",
            "/usr/bin/start file 0755 0:0 5 document",
        ],
        "the accounts' file is computed, and /bin leads to /usr/bin"
    );
}

#[test]
fn paths_that_a_running_container_does_not_show_are_warned_of() {
    let layer = Layer::new()
        .directory("proc")
        .file("proc/x", 0o644, "x")
        .directory("dev")
        .directory("dev/shm")
        .directory("sys")
        .file("ok", 0o644, "");
    let workshop = Workshop::new().base_of(&base::layer("amd64")).artifact("acme/a:v1", &layer);
    for (body, expected) in [
        ("paths: [{path: /srv/proc/x, contents: x}]\n", vec![]),
        (
            "paths: [{path: /srv/x, contents: x}, {path: /proc/sys/x, contents: x}]\n",
            vec!["paths[1]: `/proc/sys/x` is not shown in a running container"],
        ),
        (
            "paths: [{path: /sys/x, contents: x}, {path: /dev/x, contents: x}]\n",
            vec![
                "paths[0]: `/sys/x` is not shown in a running container",
                "paths[1]: `/dev/x` is not shown in a running container",
            ],
        ),
        (
            "contents: {artifacts: [{name: acme/a:v1, includes: [dev, proc, sys, ok]}]}\n",
            vec![
                "contents.artifacts[0].includes: artifact `acme/a:v1` brings 2 paths that a running container does not show, the first is `/dev/shm`",
            ],
        ),
        ("contents: {artifacts: [{name: acme/a:v1, includes: [sys, ok]}]}\n", vec![]),
    ] {
        assert_eq!(warnings(&workshop, body), expected, "{body}");
    }
}

#[test]
fn platforms_that_are_lost_are_told_with_the_reason() {
    let layer = Layer::new().file("x", 0o644, "x");
    let workshop = Workshop::new().artifact_image(MemoryImage::artifact_for(&["amd64"], "acme/a:v1", &layer));
    let artifact = "contents: {artifacts: [{name: acme/a:v1, includes: [x]}]}\n";
    assert_eq!(
        warnings(&workshop, artifact),
        ["platforms: platform `linux/arm64` of the base is left out: artifact `acme/a:v1` does not have it"]
    );
    assert_eq!(workshop.build(artifact).image.manifests.len(), 1);
    assert_eq!(
        warnings(&workshop, &format!("{artifact}platforms: [linux/amd64]\n")),
        [""; 0],
        "it was asked for"
    );
    assert_eq!(
        workshop.problems(&format!("{artifact}platforms: [linux/amd64, linux/arm64]\n")),
        ["platforms[1]: platform `linux/arm64` is not possible: artifact `acme/a:v1` does not have it"]
    );
}

#[test]
fn a_package_that_one_platform_lacks_says_how_to_do_without_the_platform() {
    let workshop =
        Workshop::new().packages([Deb::new("only", "1"), Deb::new("both", "1").architecture("all")]);
    let plan = workshop.plan("contents: {packages: [both, only, none]}\n");
    let found: Vec<String> = plan
        .problems()
        .map(|(platform, finding)| {
            let architecture = platform.map(|platform| platform.architecture.as_str()).unwrap_or_default();
            format!("{architecture} {} {}", finding.path, finding.hint.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        found,
        [
            "amd64 contents.packages[2] -",
            "arm64 contents.packages[1] `only` exists for `amd64`; to do without this platform: `platforms: [linux/amd64]`",
            "arm64 contents.packages[2] -",
        ]
    );
}

#[test]
fn a_forbidden_name_that_changes_nothing_is_told() {
    let fields = "Version: 1\nArchitecture: amd64\nDescription: x\n";
    let layer = base::debian(&[("perl", fields, &["usr/bin/perl"])]);
    let packages =
        [Deb::new("tool", "1").depends("heavy | light"), Deb::new("heavy", "1"), Deb::new("light", "1")];
    let workshop = Workshop::new().base_of(&layer).packages(packages);
    for (forbidden, expected) in
        [("!perl", false), ("!heavy", false), ("!light", false), ("!perll", true), ("!spare", true)]
    {
        let body = format!("contents: {{packages: [tool, \"{forbidden}\"]}}\n");
        // The second time it comes from what was kept.
        for _ in 0..2 {
            let found = warnings(&workshop, &body);
            let name = &forbidden[1..];
            let told = format!(
                "contents.packages[1]: `!{name}` changes nothing: the base has no package `{name}`, and nothing chosen needs it"
            );
            assert_eq!(found, if expected { vec![told] } else { vec![] }, "{forbidden}");
        }
    }
}

#[test]
fn a_forbidden_library_is_one_problem_that_names_who_needs_it() {
    let fields = |depends: &str| format!("Version: 1\nArchitecture: amd64\n{depends}Description: x\n");
    let (library, user) = (fields(""), fields("Depends: libc6 (>= 1)\n"));
    let names: Vec<String> = (0..9).map(|number| format!("user{number}")).collect();
    let mut packages: Vec<(&str, &str, &[&str])> = vec![("libc6", &library, &[])];
    packages.extend(names.iter().map(|name| (name.as_str(), user.as_str(), &[][..])));
    let workshop = Workshop::new().base_of(&base::debian(&packages));
    let needs: Vec<String> =
        (0..4).map(|number| format!("installed package `user{number}` needs `libc6 (>= 1)`")).collect();
    assert_eq!(
        workshop.problems("contents: {packages: [\"!libc6\"]}\n"),
        [format!(
            "amd64: contents.packages[0]: package `libc6` is forbidden, but {}, and 5 more installed packages need it",
            needs.join(", and ")
        )]
    );
}

#[test]
fn problems_of_paths_name_the_path() {
    let workshop = Workshop::new().base_of(&base::layer("amd64"));
    assert_eq!(
        workshop.problems("paths: [{path: /srv/x, contents: x}, {path: /usr/bin, contents: x}, {path: /usr/bin/app/x, contents: x}]\n"),
        [
            "amd64: paths[1]: the document brings a file at `/usr/bin`, where the tree has a directory that is not empty",
            "amd64: paths[2]: the document brings a path that cannot be followed: path `/usr/bin/app/x` passes through `/usr/bin/app`, which is a file",
        ]
    );
}
