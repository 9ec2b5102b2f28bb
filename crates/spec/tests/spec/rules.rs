//! The rules of customizations: each broken one is named with its place.

use temper_spec::Customization;

use crate::customization::{HEAD, read};

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
        (
            "[{destination: Acme/Python, tag: x}]",
            "targets[0].destination: repository `Acme/Python` is not made of lower-case words joined by `.`, `_`, `__`, \
             `-` and `/`",
        ),
        (
            "[{destination: \"a.example:99999/acme/b\", tag: x}]",
            "targets[0].destination: registry `a.example:99999` is neither a host name nor an address, with an optional \
             port",
        ),
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
            "{artifacts: [{name: \"acme/a:b:c\", includes: [/]}]}",
            "contents.artifacts[0].name: repository `acme/a:b` is not made of lower-case words joined by `.`, `_`, `__`, \
             `-` and `/`",
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
fn paths_are_as_long_as_a_file_system_takes() {
    let (name, long_name) = ("é".repeat(127), "é".repeat(128));
    let long_path = "/abcdefg".repeat(512);
    let file = |path: &str| format!("{HEAD}paths: [{{path: {path}, contents: x}}]");
    assert_eq!(read(&file(&format!("/{name}/{name}"))).paths.len(), 1);
    assert_eq!(read(&file(&long_path)).paths[0].path.len(), 4096);
    for (path, reason) in [
        (format!("/a/{long_name}"), "has a component of more than 255 bytes, which no file system takes"),
        (format!("/{long_name}/a"), "has a component of more than 255 bytes, which no file system takes"),
        (format!("{long_path}h"), "is longer than 4096 bytes"),
    ] {
        check_problems(&file(&path), &[&format!("paths[0].path: path `{path}` {reason}")]);
        check_body(&format!("work-dir: {path}"), &[&format!("work-dir: path `{path}` {reason}")]);
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
fn what_is_nearly_right_is_put_right_by_a_hint() {
    for (body, hint) in [
        ("stop-signal: TERM", "write `SIGTERM`"),
        ("stop-signal: sigquit", "write `SIGQUIT`"),
        ("stop-signal: SIGTERN", "write `SIGTERM`"),
        ("stop-signal: 0", "a number from 1 to 64"),
        ("environment: {\"MY VAR\": c}", "write `MY_VAR`"),
        ("environment: {\"A=B\": c}", "write `A`"),
        ("environment: {\"1A\": c}", "begins with no digit"),
        (
            "contents: {artifacts: [{name: acme/Certs:1, includes: [/]}]}",
            "write it in lower case: `acme/certs`",
        ),
    ] {
        let problems = Customization::parse(&format!("{HEAD}{body}")).expect_err(body);
        let hints = problems.hint().unwrap_or_default();
        assert!(hints.contains(hint) && problems.0.len() == 1, "{body}: {problems} {hints}");
    }
    for signal in ["SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX-14", "SIGUSR1", "9"] {
        assert_eq!(read(&format!("{HEAD}stop-signal: {signal}")).stop_signal.as_deref(), Some(signal));
    }
    for name in ["PATH", "discovery.type", "my-name", "_"] {
        assert!(read(&format!("{HEAD}environment: {{{name}: x}}")).environment.contains_key(name));
    }
}

#[test]
fn settings_are_checked() {
    for (body, expected) in [
        ("environment: {\"A=B\": c}", "environment[\"A=B\"]: `A=B` is not the name of a variable"),
        ("environment: {1A: c}", "environment.1A: `1A` is not the name of a variable"),
        ("environment: {\"\": c}", "environment[\"\"]: `` is not the name of a variable"),
        ("environment: {\"A\\0\": c}", "environment[\"A\\0\"]: `A\\0` is not the name of a variable"),
        ("environment: {A: \"b\\0\"}", "environment.A: value has a NUL character"),
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
        ("stop-signal: SIGFOO", "stop-signal: `SIGFOO` is not a signal"),
        ("stop-signal: SIGterm", "stop-signal: `SIGterm` is not a signal"),
        ("stop-signal: SIGRTMIN+16", "stop-signal: `SIGRTMIN+16` is not a signal"),
        ("certificates: [abc]", "certificates[0]: is not a PEM certificate"),
        ("certificates: [\"-----BEGIN RSA PRIVATE KEY-----\"]", "certificates[0]: holds a private key"),
        ("certificates: [{artifact: acme/c:1}]", "certificates[0].path: is missing"),
    ] {
        check_body(body, &[expected]);
    }
}
