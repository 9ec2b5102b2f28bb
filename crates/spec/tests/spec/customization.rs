//! Customizations: every field, every spelling, every rule.

use proptest::prelude::*;

use temper_spec::customization::{
    Arguments, Certificate, Compression, Constraint, Customization, Overrides, PackageRequest, Relation,
    TagLine,
};

pub(crate) const HEAD: &str = "name: golang with git\ntargets: [{destination: acme/dhi-golang, tag_definition_id: golang/debian-13/1.25}]\n";

pub(crate) fn read(text: &str) -> Customization {
    Customization::parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems}")).value
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
