//! Definitions: what is read, what is refused, and what can be built.

use proptest::prelude::*;

use temper_spec::definition::{PathType, Variant};
use temper_spec::{Definition, yaml};

const PYTHON: &str = r#"# syntax=dhi.io/build:2-debian13

# A comment.
name: Python 3.13
image: python
variant: runtime
tags: ["3.13", 3.13.5]
platforms: [linux/amd64, linux/arm64]
dates: {release: "2024-10-07", end-of-life: "2029-10-31"}
vars: {VERSION: 3.13.5}
contents:
  repositories:
    - deb [signed-by=debian-archive] distribution:debian trixie main
    - deb [signed-by=debian-archive] distribution:debian-security trixie-security main
  packages: [python3.13=3.13.5-2, "!perl", base-files]
accounts:
  run-as: nonroot
  users: [{name: nonroot, uid: 65532, gid: 65532}]
  groups: [{name: nonroot, gid: 65532, members: [nonroot]}]
os-release: {name: Example Linux, id: debian, version-id: "13", version-codename: trixie}
environment: {PYTHON_VERSION: 3.13.5, LANG: C.UTF-8}
paths:
  - {type: symlink, path: /usr/bin/python, source: python3.13, uid: 0, gid: 0}
  - {type: directory, path: /app, mode: "0755", uid: 65532, gid: 65532}
  - {type: file, path: /etc/motd, content: "hello\n"}
  - {type: emptyfile, path: /etc/machine-id}
  - {type: delete, path: /etc/issue}
annotations: {org.opencontainers.image.licenses: PSF-2.0}
labels: {a: b}
cmd: [python3]
ports: [8080/tcp]
work-dir: /app
stop-signal: SIGINT
"#;

fn read(text: &str) -> Definition {
    Definition::parse("python/debian-13/3.13", text)
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"))
        .value
}

#[test]
fn every_part_that_a_build_needs_is_typed() {
    let definition = read(PYTHON);
    let document = &definition.document;
    assert_eq!(definition.id, "python/debian-13/3.13");
    assert_eq!(definition.syntax.as_deref(), Some("dhi.io/build:2-debian13"));
    assert_eq!(document.variant, Some(Variant::Runtime));
    assert_eq!(document.tags, ["3.13", "3.13.5"]);
    let distribution = definition.distribution().expect("has one");
    assert_eq!((distribution.to_string().as_str(), distribution.codename()), ("debian-13", Some("trixie")));
    let line = document.contents.repositories[1].as_debian().expect("a line");
    assert_eq!((line.uri.as_str(), line.suite.as_str()), ("distribution:debian-security", "trixie-security"));
    let packages: Vec<String> = document.packages().iter().map(ToString::to_string).collect();
    assert_eq!(packages, ["python3.13=3.13.5-2", "!perl", "base-files"]);
    assert_eq!(document.accounts.as_ref().and_then(|accounts| accounts.run_as.as_deref()), Some("nonroot"));
    assert_eq!(document.os_release.as_ref().and_then(|os| os.version_id.as_deref()), Some("13"));
    assert_eq!(document.environment["PYTHON_VERSION"], "3.13.5");
    let kinds: Vec<PathType> = document.paths.iter().map(|entry| entry.kind).collect();
    assert_eq!(
        kinds,
        [PathType::Symlink, PathType::Directory, PathType::File, PathType::EmptyFile, PathType::Delete]
    );
    assert_eq!(document.paths[1].mode.map(temper_spec::customization::Mode::bits), Some(0o755));
    assert_eq!(document.cmd.as_deref(), Some(&["python3".to_owned()][..]));
    assert_eq!(document.entrypoint, None);
    assert_eq!(definition.not_buildable(), Vec::<String>::new());
}

#[test]
fn printing_gives_the_same_tree() {
    let definition = read(PYTHON);
    let printed = definition.to_yaml();
    assert!(printed.starts_with("# syntax=dhi.io/build:2-debian13\n\nname: Python 3.13\n"), "{printed}");
    let back = read(&printed);
    assert_eq!(back, definition);
    assert_eq!(back.tree(), definition.tree());
}

#[test]
fn obstacles_name_their_keys() {
    for (change, expected) in [
        ("variant: helm", "`variant`: charts are customized, not built"),
        ("includes: [a.yaml]", "`includes`: other files of the catalog are not read"),
        ("output: squashed", "`output`: images are not squashed"),
        (
            "contents: {builds: [{name: a, pipeline: [{runs: make}]}]}",
            "`contents.builds`: build pipelines are not run",
        ),
        ("contents: {files: [{url: a}]}", "`contents.files`: files are not fetched from addresses"),
        (
            "contents: {artifacts: [{name: a}]}",
            "`contents.artifacts`: images are not copied into a definition",
        ),
        ("contents: {packages: [\"a-${A}-b\"]}", "`contents.packages[0]`: variables are not filled in"),
        (
            "contents: {repositories: [\"https://x.example/v3.23/main\"]}",
            "`contents.repositories[0]`: is not a repository of Debian",
        ),
        (
            "paths: [{type: file, path: /a, source: image/a}]",
            "`paths[0].source`: other files of the catalog are not read",
        ),
        (
            "paths: [{type: directory, path: /a, recursive: true}]",
            "`paths[0].recursive`: only the path itself is changed",
        ),
        ("paths: [{type: delete, path: /a, if: b}]", "`paths[0].if`: conditions are not evaluated"),
        ("paths: [{type: delete, path: a}]", "`paths[0].path`: `a` is not absolute"),
        ("paths: [{type: delete, path: /}]", "`paths[0].path`: `/` is the root itself"),
        ("paths: [{type: directory, path: /a/../b}]", "`paths[0].path`: `/a/../b` has a `..` component"),
        ("paths: [{type: symlink, path: /a}]", "`paths[0].source`: is missing, a symlink needs a target"),
        ("ports: [8080, http]", "`ports[1]`: `http` is not a port, such as `8080`, `53/udp` or `4510-4559`"),
        ("ports: [\"${A}\"]", "`ports[0]`: variables are not filled in"),
        ("work-dir: ${A}", "`work-dir`: variables are not filled in"),
    ] {
        let text = format!("# syntax=x/build:2-debian13\nname: a\nimage: b\nvars: {{A: c}}\n{change}\n");
        assert_eq!(read(&text).not_buildable(), [expected], "{change}");
    }
    for (text, expected) in [
        ("name: a\nimage: b\n", "`contents.repositories`: names no release of a known distribution"),
        (
            "#syntax = x/build:2-alpine3.23\nname: a\nimage: b\n",
            "`contents.repositories`: alpine-3.23 is not built, only Debian is",
        ),
    ] {
        assert_eq!(read(text).not_buildable(), [expected], "{text}");
    }
}

#[test]
fn every_problem_is_reported() {
    let text = "nme: a\nimage: b\nvariant: big\ncontents:\n  packages: [a b]\n  repositories: [deb x]\n  builds:\n    - \
                pipeline: [{run: x}]\npaths: [{type: link, path: /a}]\n";
    let problems = Definition::parse("a/b", text).map(|parsed| parsed.value).expect_err(text);
    insta::assert_snapshot!("definition_problems", problems.to_string());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Definition::parse("a/b", &text);
    }

    #[test]
    fn any_value_is_kept(key in "vars|environment|labels", name in "[A-Z_]{1,8}", value in "[^\0]{1,20}") {
        let tree = yaml::Node::mapping([
            ("name".to_owned(), yaml::Node::text("a")),
            ("image".to_owned(), yaml::Node::text("b")),
            (key, yaml::Node::mapping([(name, yaml::Node::text(value))])),
        ]);
        let definition = read(&yaml::print(&tree));
        prop_assert_eq!(definition.tree(), &tree);
        prop_assert_eq!(&read(&definition.to_yaml()), &definition);
    }
}
