//! Tests of what is told of failures.

use std::io;

use anyhow::{Context, anyhow};
use temper_compose::External;
use temper_spec::Customization;

use super::super::{Failure, exit_code};
use super::{Problem, Report};

#[test]
fn a_cause_is_told_once() {
    let refused = io::Error::from_raw_os_error(111);
    let error = anyhow::Error::new(refused)
        .context("tcp connect error")
        .context("client error (Connect)")
        .context("error sending request")
        .context("GET http://a/v2/ got no answer")
        .context("GET http://a/v2/ got no answer")
        .context("image `a/b` cannot be read");
    let expected = "error: image `a/b` cannot be read
  caused by: GET http://a/v2/ got no answer
  caused by: Connection refused (os error 111)
";
    assert_eq!(Report::of(&error).to_string(), expected);
    let error = anyhow!("os error 111").context("cannot connect: os error 111");
    assert_eq!(Report::of(&error).causes, [""; 0]);
}

#[test]
fn a_hint_outlives_readers_and_writers() {
    let external = External::new("blob is missing", io::Error::from(io::ErrorKind::NotFound))
        .with_hint(Some("copy it again".to_owned()));
    let error = anyhow::Error::new(io::Error::other(external)).context("layer cannot be read");
    let report = Report::of(&error);
    assert_eq!(report.hint.as_deref(), Some("copy it again"));
    assert_eq!(report.causes, ["blob is missing", "entity not found"]);
}

#[test]
fn a_full_disk_is_called_so() {
    let full = || io::Error::from_raw_os_error(28);
    let passed_on = io::Error::new(full().kind(), External::new("cannot write `/data/x`", full()));
    let error = anyhow::Error::new(passed_on).context("could not keep layer `sha256:00`");
    let expected = "error: the disk is full: could not keep layer `sha256:00`
  caused by: cannot write `/data/x`
  caused by: No space left on device (os error 28)
";
    assert_eq!(Report::of(&error).to_string(), expected);
}

#[test]
fn a_problem_has_its_hint_beneath() {
    let text =
        "name: test\ntargets: [{destination: acme/a, tag: '1'}]\ncontents: {packges: []}\nplatfroms: []\n";
    let problems = Customization::parse(text).expect_err("has unknown keys");
    let error: anyhow::Error = Failure::failed(anyhow!("customization `a.yaml` has 2 problems"))
        .problems(problems.0.iter().map(Problem::from))
        .into();
    let report = Report::of(&error.context("context of a command"));
    let shown = report.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].starts_with("  3:12: `contents.packges`: "), "{shown}");
    assert_eq!(lines[2], "    hint: did you mean `packages`?");
    assert!(lines[3].starts_with("  4:1: `platfroms`: "), "{shown}");
    assert_eq!(lines[4], "    hint: did you mean `platforms`?");
    let json = serde_json::to_value(&report).expect("serializes");
    assert_eq!(json["problems"][0]["path"], "contents.packges");
    assert_eq!(json["problems"][1]["hint"], "did you mean `platforms`?");
    assert_eq!(json["hint"], serde_json::Value::Null);
}

#[test]
fn a_wrong_command_line_is_taken_apart() {
    let text = "error: unrecognized subcommand 'quikstart'\n\n  tip: a similar subcommand exists: 'quickstart'\n\nUsage: x\n";
    let report = Report::of_usage(text);
    assert_eq!(report.message, "unrecognized subcommand 'quikstart'");
    assert_eq!(report.hint.as_deref(), Some("a similar subcommand exists: 'quickstart'"));
    let report = Report::of_usage("error: the following are missing:\n  <FILE>\n\nUsage: x\n");
    assert_eq!(report.message, "the following are missing: <FILE>");
}

#[test]
fn the_kind_decides_the_exit_code() {
    let code = |error: anyhow::Error| exit_code(&error);
    assert_eq!(code(anyhow!("x")), 1);
    assert_eq!(code(Failure::usage(anyhow!("x")).into()), 2);
    assert_eq!(code(anyhow::Error::from(Failure::configuration(anyhow!("x"))).context("y")), 3);
    assert_eq!(code(Failure::interrupted(anyhow!("x")).into()), 130);
    let wrapped = Err::<(), _>(Failure::usage(anyhow!("x"))).context("y").expect_err("is one");
    assert_eq!(code(wrapped), 2);
}
