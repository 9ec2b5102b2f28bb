//! Customizations: every field, every spelling, every rule.

use proptest::prelude::*;

use temper_spec::customization::{
    Arguments, Certificate, Compression, Constraint, Customization, Overrides, PackageRequest, Relation,
    TagLine,
};

const HEAD: &str = "name: golang with git\ntargets: [{destination: acme/dhi-golang, tag_definition_id: golang/debian-13/1.25}]\n";

fn read(text: &str) -> Customization {
    Customization::parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems}")).value
}

/// Reads a document and expects exactly these problems, each without its position.
fn check_problems(text: &str, expected: &[&str]) {
    let problems = Customization::parse(text).map(|parsed| parsed.value).expect_err(text);
    let found: Vec<String> = problems
        .0
        .iter()
        .map(|problem| match problem.path.as_str() {
            "" => problem.message.clone(),
            path => format!("{path}: {}", problem.message),
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

/// The same behind a head that is right.
fn check_body(body: &str, expected: &[&str]) {
    check_problems(&format!("{HEAD}{body}"), expected);
}

fn check_round_trip(customization: &Customization) {
    let yaml = customization.to_yaml();
    assert_eq!(&read(&yaml), customization, "{yaml}");
    let json = serde_json::to_value(customization).expect("serializes");
    assert_eq!(Customization::from_json(&json).as_ref(), Ok(customization), "{json}");
}

const EVERYTHING: &str = r#"
name: golang with git
suffix: custom
targets:
  - destination: acme/dhi-golang
    tag_definition_id: golang/debian-13/1.25
contents:
  packages: [git, curl=8.14.1-2, "!perl"]
  artifacts:
    - name: acme/certs:v1
      includes: [etc/ssl/certs]
      excludes: [etc/ssl/certs/old]
paths:
  - path: /usr/local/bin/start
    contents: |
      #!/bin/sh
      exec "$@"
    mode: 0755
    uid: 10001
    gid: 10001
accounts:
  root: false
  runs-as: app
  users: [{name: app, uid: 10001, gid: 10001}]
  groups: [{name: app, gid: 10001, members: [app]}]
environment: {LOG_LEVEL: info, DEBUG: false, VERSION: 1.20}
labels: {org.opencontainers.image.authors: team@acme.example}
annotations: {org.opencontainers.image.title: Go}
entrypoint: [--flag]
cmd: {replace: [--verbose]}
work-dir: /app
stop-signal: SIGTERM
platforms: [linux/amd64, linux/arm64/v8]
compression: ZSTD
certificates:
  - |
    -----BEGIN CERTIFICATE-----
    MIIB
    -----END CERTIFICATE-----
  - {artifact: acme/certs:v1, path: etc/ca.pem}
"#;

#[test]
fn every_field_is_read() {
    let customization = read(EVERYTHING);
    assert_eq!(customization.suffix(), "custom");
    assert_eq!(customization.tag_for("1.25"), "1.25_custom");
    let target = &customization.targets[0];
    assert_eq!(target.line(), TagLine::Definition("golang/debian-13/1.25"));
    assert_eq!(target.namespace(), "acme");
    assert_eq!(
        customization.contents.packages,
        [
            PackageRequest::Add { name: "git".to_owned(), constraint: None },
            PackageRequest::Add {
                name: "curl".to_owned(),
                constraint: Some(Constraint { relation: Relation::Equal, version: "8.14.1-2".to_owned() }),
            },
            PackageRequest::Forbid { name: "perl".to_owned() },
        ]
    );
    let file = &customization.paths[0];
    assert_eq!((file.mode.bits(), file.uid, file.gid), (0o755, 10001, 10001));
    assert_eq!(file.contents, "#!/bin/sh\nexec \"$@\"\n");
    assert_eq!(customization.environment["VERSION"], "1.20");
    assert_eq!(customization.environment["DEBUG"], "false");
    assert_eq!(customization.entrypoint, Some(Arguments::Append(vec!["--flag".to_owned()])));
    assert_eq!(customization.cmd, Some(Arguments::Replace(vec!["--verbose".to_owned()])));
    assert_eq!(customization.platforms.as_ref().map(Vec::len), Some(2));
    assert_eq!(customization.compression, Some(Compression::Zstd));
    assert!(
        matches!(&customization.certificates[1], Certificate::Artifact(file) if file.path == "etc/ca.pem")
    );
    check_round_trip(&customization);
}

#[test]
fn the_canonical_form_is_stable() {
    insta::assert_snapshot!("canonical", read(EVERYTHING).to_yaml());
}

#[test]
fn other_spellings_mean_the_same() {
    for (canonical, other) in [
        ("accounts: {runs-as: app}", "accounts: {run-as: app}"),
        ("accounts: {runs-as: app}", "accounts: {run_as: app}"),
        ("accounts: {runs-as: app}", "accounts: {runs_as: app}"),
        ("work-dir: /app", "workdir: /app"),
        ("work-dir: /app", "work_dir: /app"),
        ("stop-signal: SIGINT", "stop_signal: SIGINT"),
        ("paths: [{path: /a, contents: x}]", "scripts: [{path: /a, content: x}]"),
        (
            "paths: [{path: /a, contents: x, mode: \"0644\", uid: 0, gid: 0}]",
            "paths: [{path: /a, contents: x}]",
        ),
        ("paths: [{path: /a, contents: x, mode: \"0755\"}]", "paths: [{path: /a, contents: x, mode: 755}]"),
        ("paths: [{path: /a, contents: x, mode: \"0755\"}]", "paths: [{path: /a, contents: x, mode: 0o755}]"),
        ("compression: GZIP", "compression: gzip"),
        ("cmd: [a]", "cmd: {append: [a]}"),
        ("labels: {a: \"1.20\"}", "labels: {a: 1.20}"),
        ("", "labels:\ncontents:\n  packages:\naccounts:"),
    ] {
        assert_eq!(read(&format!("{HEAD}{canonical}")), read(&format!("{HEAD}{other}")), "{other}");
    }
}

#[test]
fn the_documented_forms_are_read_unchanged() {
    let older = read(
        "name: my customization\nsource: dhi/golang\ndestination: my-org/dhi-golang\n\
         tag_definition_id: golang/alpine-3.23/1.25\ntag_suffix: _custom\nplatforms:\n  - linux/amd64\n",
    );
    assert_eq!(older.tag_for("1.25"), "1.25_custom");
    assert_eq!(older.targets[0].destination, "my-org/dhi-golang");
    assert_eq!(older.targets[0].source.as_deref(), Some("dhi/golang"));
    check_round_trip(&older);

    let single = read(
        "id: 01JX\nname: golang with git\n\ntargets:\n  - destination: my-org/dhi-golang\n    tag_definition_id: \
         golang/alpine-3.23/1.25\n\ncontents:\n  packages:\n    - git\n    - curl\n  artifacts:\n    - name: \
         my-org/my-certs:latest\n      includes:\n        - etc/ssl/certs\n      excludes:\n        - \
         etc/ssl/certs/old\n\npaths:\n  - path: /etc/myconfig\n    contents: |\n      key=value\n    mode: \
         \"0644\"\n    uid: 0\n    gid: 0\n\naccounts:\n  root: true\n  runs-as: nonroot\n  users:\n    - name: \
         nonroot\n      uid: 65532\n  groups:\n    - name: nonroot\n      gid: 65532\n      members:\n        - \
         nonroot\n\nenvironment:\n  MY_VAR: my_value\n  DEBUG: \"false\"\n\nlabels:\n  \
         org.opencontainers.image.version: \"1.0.0\"\n\nentrypoint:\n  - /docker-entrypoint.sh\n\ncmd:\n  - \
         /bin/bash\n\nplatforms:\n  - linux/amd64\n  - linux/arm64\n\ncompression: ZSTD\n",
    );
    assert_eq!(single.tag_for("1.25"), "1.25_golang-with-git");
    assert_eq!(single.id.as_deref(), Some("01JX"));
    check_round_trip(&single);

    let chart = read(
        "name: use mirrored images\ntargets:\n  - destination: my-org/dhi-haproxy-chart\n    tag_definition_id: \
         haproxy/helm/1\nreference_mappings:\n  - from: dhi/haproxy\n    to: my-org/dhi-haproxy\n",
    );
    assert!(chart.is_chart());
    check_round_trip(&chart);
}

#[test]
fn tags_stand_in_for_definitions() {
    let customization = read(
        "name: n\ntargets:\n  - {destination: 'localhost:5000/acme/app', tag: 1.20}\n  - {destination: acme/app, \
         tag: a, tags: [b, a]}\n",
    );
    assert_eq!(customization.targets[0].line(), TagLine::Tags(vec!["1.20"]));
    assert_eq!(customization.targets[0].namespace(), "acme");
    assert_eq!(customization.targets[1].line(), TagLine::Tags(vec!["a", "b"]));
    check_round_trip(&customization);
}

#[test]
fn overrides_stand_above_the_document() {
    let overrides = Overrides {
        name: Some("other".to_owned()),
        destination: Some("acme/other".to_owned()),
        tag_definition_id: Some("golang/debian-13/1.26".to_owned()),
    };
    for text in [HEAD, "contents: {packages: [git]}", "{name: n, destination: a/b, tag_definition_id: c/d}"] {
        let customization = Customization::parse_with(text, &overrides).expect(text).value;
        assert_eq!(customization.name, "other");
        assert_eq!(customization.targets[0].destination, "acme/other");
        assert_eq!(customization.targets[0].line(), TagLine::Definition("golang/debian-13/1.26"));
    }
    let two = "name: n\ntargets: [{destination: a/b, tag: x}, {destination: a/c, tag: x}]";
    let problems = Customization::parse_with(two, &overrides).map(|parsed| parsed.value).expect_err(two);
    assert_eq!(problems.0.len(), 1, "{problems}");
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = "name: x\ntargets: {}\ncontents:\n  packages:\n    - git curl\n    - [a]\n    - \"!a=1\"\nplatfroms: \
                [linux/amd64]\naccounts: {root: maybe}\n";
    let problems = Customization::parse(text).map(|parsed| parsed.value).expect_err(text);
    insta::assert_snapshot!("problems", problems.to_string());
    let hints: Vec<String> = problems.0.iter().filter_map(temper_spec::Problem::hint).collect();
    assert!(hints.contains(&"did you mean `platforms`?".to_owned()), "{hints:?}");
}

#[test]
fn places_are_found_by_canonical_paths() {
    let parsed = Customization::parse(&format!(
        "{HEAD}accounts:\n  run-as: app\nscripts:\n  - path: /a\n    content: x\nlabels: {{a.b: c}}\n"
    ))
    .expect("reads");
    assert_eq!(parsed.locate("accounts.runs-as"), Some((4, 11)));
    assert_eq!(parsed.locate("paths[0].contents"), Some((7, 14)));
    assert_eq!(parsed.locate("labels[\"a.b\"]"), Some((8, 10)));
    assert_eq!(parsed.locate("cmd"), None);
    let problem = parsed.problem("paths[0].mode", "is odd");
    assert_eq!((problem.line, problem.column), (Some(6), Some(5)));
}

#[test]
fn keys_are_known_or_refused() {
    check_body("packages: [git]", &["packages: unknown key `packages`"]);
    check_body("contents: {package: [git]}", &["contents.package: unknown key `package`"]);
    check_body("accounts: {runs-as: a, run-as: b}", &["accounts.run-as: says again what `runs-as` says"]);
    check_body("labels: {\"a b\": 1, \"a b\": 2}", &["key `a b` is given twice, first in line 3"]);
    check_body(
        "cmd: {replace: [a], prepend: [b]}",
        &["cmd: takes exactly one of `replace`, `prepend` and `append`"],
    );
    check_body("cmd: {replase: [a]}", &["cmd.replase: unknown key `replase`"]);
}

#[test]
fn names_and_suffixes_make_tags() {
    let targets = "targets: [{destination: a/b, tag: '1'}]\n";
    for (head, expected) in [
        ("", "name: is missing"),
        ("name: 加固镜像", "name: name `加固镜像` gives no suffix, it has none of `[a-z0-9]`"),
        ("name: \"\"", "name: is empty"),
        ("name: n\nsuffix: a b", "suffix: suffix `a b` has other characters than `[A-Za-z0-9._-]`, or none"),
        (
            "name: n\ntag_suffix: custom",
            "tag_suffix: `custom` does not begin with `_`, which stands between tag and suffix",
        ),
        ("name: n\nsuffix: a\ntag_suffix: _b", "tag_suffix: stands beside `suffix`, which says the same"),
    ] {
        check_problems(&format!("{targets}{head}"), &[expected]);
    }
    assert_eq!(read(&format!("{targets}name: 加固镜像\nsuffix: custom")).tag_for("1"), "1_custom");
    let long = "x".repeat(126);
    assert_eq!(read(&format!("{targets}name: n\nsuffix: {long}")).tag_for("1").len(), 128);
    check_problems(
        &format!("name: n\nsuffix: {long}\ntargets: [{{destination: a/b, tag: '11'}}]"),
        &[&format!("targets[0]: tag `11_{long}` would have 129 characters, more than 128")],
    );
    check_problems(
        &format!("{targets}name: n\nsuffix: {long}x"),
        &["suffix: suffix has 127 characters, no tag could be within 128"],
    );
}

#[test]
fn targets_name_what_they_follow() {
    for (targets, expected) in [
        ("[]", "targets: is empty, at least one target is needed"),
        ("[{destination: a/b}]", "targets[0]: names no tags"),
        ("[{tag: x}]", "targets[0].destination: is missing"),
        ("[{destination: b, tag: x}]", "targets[0].destination: `b` has no namespace"),
        ("[{destination: \"a/b:c\", tag: x}]", "targets[0].destination: `a/b:c` names a tag"),
        ("[{destination: a//b, tag: x}]", "targets[0].destination: `a//b` is not a repository"),
        ("[{destination: a/b, tag: -x}]", "targets[0].tag: `-x` is not a tag"),
        (
            "[{destination: a/b, tag_definition_id: x}]",
            "targets[0].tag_definition_id: `x` is not a tag definition id",
        ),
        (
            "[{destination: a/b, tag_definition_id: x/y, tag: z}]",
            "targets[0].tag: stands beside `tag_definition_id`, which names the tags already",
        ),
        ("[{destination: a/b, tag: x}, {destination: a/b, tag: x}]", "targets[1]: is there twice"),
        ("{destination: a/b, tag: x}", "targets: is a mapping, it must be a list"),
    ] {
        check_problems(&format!("name: n\ntargets: {targets}"), &[expected]);
    }
    check_problems("name: n", &["targets: is missing"]);
    check_problems("name: n\ndestination: a/b", &["tag_definition_id: is missing"]);
    check_problems(
        "name: n\ndestination: a/b\ntargets: [{destination: a/b, tag: x}]",
        &["destination: stands beside `targets`"],
    );
}

#[test]
fn several_targets_share_what_fits_all() {
    check_problems(
        "name: n\ntargets: [{destination: a/b, tag: x}, {destination: a/c, tag: x}]\naccounts: {runs-as: app}\n\
         entrypoint: [x]\ncmd: [y]\n",
        &[
            "accounts: cannot be set for 2 targets at once",
            "entrypoint: cannot be set for 2 targets at once",
            "cmd: cannot be set for 2 targets at once",
        ],
    );
    check_problems(
        "name: n\ntargets: [{destination: a/b, tag: x}, {destination: a/c, tag_definition_id: d/helm/1}]",
        &["targets: mixes charts and images, which are customized apart"],
    );
}

#[test]
fn charts_take_reference_mappings_alone() {
    let head = "name: n\ntargets: [{destination: a/b, tag_definition_id: haproxy/helm/1}]\n";
    check_problems(
        &format!("{head}labels: {{a: b}}"),
        &[
            "reference_mappings: is missing, and it is all that can be customized in a chart",
            "labels: changes images, and a chart takes `reference_mappings` alone",
        ],
    );
    check_problems(
        &format!("{HEAD}reference_mappings: [{{from: a, to: b}}]\ncontents: {{packages: [git]}}"),
        &[
            "targets[0]: is an image, and only charts have references",
            "contents: changes images, and a chart takes `reference_mappings` alone",
        ],
    );
}

#[test]
fn contents_are_checked() {
    for (body, expected) in [
        ("{packages: [git, git]}", "contents.packages[1]: package `git` is requested twice"),
        ("{packages: [git, \"!git\"]}", "contents.packages[1]: `!git` contradicts `git`"),
        ("{packages: git}", "contents.packages: is text, it must be a list"),
        (
            "{artifacts: [{name: acme/a:1}]}",
            "contents.artifacts[0].includes: names no path, so nothing would be copied",
        ),
        (
            "{artifacts: [{name: other/a:1, includes: [/]}]}",
            "contents.artifacts[0].name: artifact `other/a:1` is not in namespace `acme` of the destination",
        ),
        (
            "{artifacts: [{name: acme/a:1, includes: [a/../b]}]}",
            "contents.artifacts[0].includes[0]: path `a/../b` has a `..` component",
        ),
    ] {
        check_body(&format!("contents: {body}"), &[expected]);
    }
}

#[test]
fn files_and_directories_are_absolute() {
    for (body, expected) in [
        ("paths: [{path: a, contents: x}]", "paths[0].path: path `a` is not absolute"),
        ("paths: [{path: /a/../b, contents: x}]", "paths[0].path: path `/a/../b` has a `..` component"),
        ("paths: [{path: /a/, contents: x}]", "paths[0].path: path `/a/` names a directory, not a file"),
        ("paths: [{path: \"/a\\0\", contents: x}]", "paths[0].path: path `/a\\0` has a NUL character"),
        (
            "paths: [{path: /.wh.a, contents: x}]",
            "paths[0].path: path `/.wh.a` has a component that begins with `.wh.`, which marks deletions in layers",
        ),
        ("paths: [{path: /a}]", "paths[0].contents: is missing"),
        ("paths: [{path: /a, contents: }]", "paths[0].contents: has no value"),
        (
            "paths: [{path: /a, contents: x, mode: 0888}]",
            "paths[0].mode: mode `0888` is not octal, or above `07777`",
        ),
        (
            "paths: [{path: /a, contents: x, mode: 10000}]",
            "paths[0].mode: mode `10000` is not octal, or above `07777`",
        ),
        ("paths: [{path: /a, contents: x}, {path: /a, contents: y}]", "paths[1]: path `/a` is there twice"),
        ("work-dir: app", "work-dir: path `app` is not absolute"),
    ] {
        check_body(body, &[expected]);
    }
}

#[test]
fn accounts_are_checked() {
    for (body, expected) in [
        ("{runs-as: root}", "accounts.runs-as: is root, but the document does not enable root"),
        ("{runs-as: 0}", "accounts.runs-as: is root, but the document does not enable root"),
        ("{runs-as: \"a:b\"}", "accounts.runs-as: `a:b` is not a name for an account"),
        ("{users: [{name: a}]}", "accounts.users[0].uid: is missing"),
        (
            "{users: [{name: a, uid: -1}]}",
            "accounts.users[0].uid: `-1` is not a whole number from 0 to 4294967295",
        ),
        ("{users: [{name: a, uid: 4294967295}]}", "accounts.users[0].uid: id 4294967295 is above 4294967294"),
        ("{users: [{name: a, uid: 0}]}", "accounts.users[0].uid: user `a` has uid 0, and 0 is root's"),
        ("{users: [{name: a, uid: 1}, {name: a, uid: 2}]}", "accounts.users[1]: user `a` is there twice"),
        ("{users: [{name: a, uid: 1}, {name: b, uid: 1}]}", "accounts.users[1]: uid `1` is there twice"),
        ("{groups: [{name: a, gid: 1}, {name: b, gid: 1}]}", "accounts.groups[1]: gid `1` is there twice"),
        (
            "{groups: [{name: a, gid: 1, members: [\"b:c\"]}]}",
            "accounts.groups[0].members[0]: `b:c` is not a name for an account",
        ),
    ] {
        check_body(&format!("accounts: {body}"), &[expected]);
    }
    assert!(read(&format!("{HEAD}accounts: {{root: true, runs-as: root}}")).accounts.is_some());
}

#[test]
fn settings_are_checked() {
    for (body, expected) in [
        (
            "environment: {\"A=B\": c}",
            "environment[\"A=B\"]: variable has no name, or a `=` or NUL character in it",
        ),
        ("environment: {A: }", "environment.A: has no value"),
        ("environment: {A: [b]}", "environment.A: is a list, it must be text"),
        ("environment: [A=b]", "environment: is a list, it must be a mapping of names to values"),
        (
            "labels: {com.docker.dhi.name: x}",
            "labels[\"com.docker.dhi.name\"]: `com.docker.dhi.*` describes the base and cannot be set",
        ),
        (
            "annotations: {org.opencontainers.image.base.name: x}",
            "annotations[\"org.opencontainers.image.base.name\"]: `org.opencontainers.image.base.*` describes the base \
             and cannot be set",
        ),
        ("platforms: []", "platforms: is empty, at least one platform is needed"),
        (
            "platforms: [linux]",
            "platforms[0]: platform `linux` is not of the form `os/architecture` or `os/architecture/variant`",
        ),
        ("platforms: [linux/arm64, linux/arm64/v8]", "platforms[1]: platform `linux/arm64` is there twice"),
        ("compression: xz", "compression: `xz` is neither `ZSTD` nor `GZIP`"),
        ("stop-signal: TERM", "stop-signal: `TERM` is not a signal"),
        ("stop-signal: 65", "stop-signal: `65` is not a signal"),
        ("certificates: [abc]", "certificates[0]: is not a PEM certificate"),
        ("certificates: [\"-----BEGIN RSA PRIVATE KEY-----\"]", "certificates[0]: holds a private key"),
        ("certificates: [{artifact: acme/c:1}]", "certificates[0].path: is missing"),
    ] {
        check_body(body, &[expected]);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Customization::parse(&text);
    }

    #[test]
    fn any_value_of_any_field_is_read_or_refused(
        key in prop::sample::select(vec![
            "id", "name", "suffix", "targets", "contents", "paths", "accounts", "environment", "entrypoint", "cmd",
            "platforms", "compression", "certificates", "reference_mappings", "work-dir", "tag_suffix",
        ]),
        value in "[ -~\u{4e00}-\u{4e20}]{0,30}",
    ) {
        if let Ok(parsed) = Customization::parse(&format!("{HEAD}{key}: {value}")) {
            check_round_trip(&parsed.value);
        }
    }

    #[test]
    fn texts_survive_printing(
        contents in any::<String>(),
        variables in prop::collection::btree_map("[A-Z]{1,5}", "[^\0]{0,10}", 0..4),
        words in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let mut customization = read(EVERYTHING);
        customization.paths[0].contents = contents;
        customization.environment = variables;
        customization.cmd = Some(Arguments::Prepend(words.clone()));
        customization.entrypoint = Some(Arguments::Append(words));
        check_round_trip(&customization);
    }
}
