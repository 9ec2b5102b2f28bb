//! Command lines that go wrong: what was meant, what is wrong with it, and what to do, for people and for scripts.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::example::Example;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::free_address;
use crate::invocation::Invocation;

/// A document whose `contents` are filled in; line 4.
const DOCUMENT: &str = "name: test\nsuffix: test\ntargets: [{destination: acme/dhi-python, tag: '3.13'}]\n\
                        contents: CONTENTS\nplatforms: [linux/amd64]\n";

/// The index of a layout whose image is not there.
const DANGLING_INDEX: &str = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","size":2,
"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#;

/// A command line that goes wrong, and what the program must say.
struct Mistake<'a> {
    name: &'a str,
    arguments: &'a [&'a str],
    code: i32,
    /// What of the input the error names.
    named: &'a str,
    /// A part of the hint.
    hint: &'a str,
}

/// Writes a document with these contents and returns its path.
pub(crate) fn write_document(scenario: &Scenario, name: &str, contents: &str) -> Result<String> {
    let path = scenario.path(format!("{name}.yaml"));
    fs::write(&path, DOCUMENT.replace("CONTENTS", contents)).context("writing a document")?;
    Ok(path.to_string_lossy().into_owned())
}

pub(crate) fn check(scenario: &Scenario, example: &Example) -> Result<()> {
    let good = write_document(scenario, "good", "{packages: [jq]}")?;
    let unknown_key = write_document(scenario, "unknown-key", "{packges: [jq]}")?;
    let unknown_package = write_document(scenario, "unknown-package", "{packages: [curll]}")?;
    let large = write_document(scenario, "large", &format!("{{packages: [{}]}}", "a".repeat(2 << 20)))?;
    let config = scenario.path("wrong-config.yaml");
    fs::write(&config, "mirror: {}\n").context("writing a configuration")?;
    let config = config.to_string_lossy();
    let dangling = dangling_layout(scenario)?;
    let base = example.base.as_str();
    #[rustfmt::skip]
    let mistakes = [
        Mistake { name: "an_unknown_command", arguments: &["quikstart"],
            code: 2, named: "quikstart", hint: "quickstart" },
        Mistake { name: "no_workers", arguments: &["doctor", "--workers", "0"],
            code: 2, named: "--workers", hint: "--help" },
        Mistake { name: "an_unknown_key", arguments: &["plan", &unknown_key, "--base", base],
            code: 1, named: "contents.packges", hint: "did you mean `packages`?" },
        Mistake { name: "an_unknown_package", arguments: &["build", &unknown_package, "--base", base, "--output", "oci:none"],
            code: 1, named: "`curll`", hint: "did you mean `curl`?" },
        Mistake { name: "a_wrong_reference", arguments: &["plan", &good, "--base", "registry.example/Acme/python:3.13"],
            code: 2, named: "registry.example/Acme/python:3.13", hint: "write it in lower case" },
        Mistake { name: "a_reference_without_form", arguments: &["plan", &good, "--base", "acme//python::3"],
            code: 2, named: "`acme//python::3`", hint: "write `HOST[:PORT]/REPOSITORY[:TAG]`" },
        Mistake { name: "a_reference_of_skopeo", arguments: &["plan", &good, "--base", "docker://registry.example/a:1"],
            code: 2, named: "`docker://registry.example/a:1`", hint: "write the reference alone, `registry.example/a:1`" },
        Mistake { name: "an_archive_of_docker", arguments: &["plan", &good, "--base", "docker-archive:a.tar"],
            code: 2, named: "`docker-archive:a.tar`", hint: "skopeo copy --all docker-archive:a.tar oci:DIR:TAG" },
        Mistake { name: "a_base_without_registry", arguments: &["plan", &good],
            code: 2, named: "acme/dhi-python:3.13", hint: "name the server (`--server HOST:PORT`)" },
        Mistake { name: "a_missing_layout", arguments: &["plan", &good, "--base", "oci:nowhere"],
            code: 2, named: "`nowhere`", hint: "skopeo copy --all" },
        Mistake { name: "a_layout_without_its_blobs", arguments: &["plan", &good, "--base", &dangling],
            code: 1, named: &dangling, hint: "the layout is incomplete" },
        Mistake { name: "a_missing_document", arguments: &["plan", "missing.yaml", "--base", base],
            code: 2, named: "`missing.yaml`", hint: "temper customization prepare" },
        Mistake { name: "a_document_that_is_too_large", arguments: &["plan", &large, "--base", base],
            code: 1, named: "more than 1048576 bytes", hint: "artifact" },
        Mistake { name: "an_unknown_definition", arguments: &["catalog", "get", "python/debian-13/2.7"],
            code: 2, named: "`python/debian-13/2.7`", hint: "there is python/debian-13/3.13" },
        Mistake { name: "a_document_for_an_unknown_definition",
            arguments: &["customization", "prepare", "acme/ruby", "-t", "ruby/debian-13/3"],
            code: 2, named: "`ruby/debian-13/3`", hint: "python/debian-13/3.13" },
        Mistake { name: "a_document_without_tags", arguments: &["customization", "prepare", "acme/python"],
            code: 2, named: "`acme/python`", hint: "python/debian-13/3.13" },
        Mistake { name: "a_name_that_no_tag_can_have",
            arguments: &["customization", "prepare", "acme/python", "--tag", "1", "--name", "café"],
            code: 2, named: "`é`", hint: "add `suffix`" },
        Mistake { name: "a_wrong_configuration", arguments: &["plan", &good, "--base", base, "--config", &config],
            code: 3, named: "wrong-config.yaml", hint: "config.schema.json" },
        Mistake { name: "a_wrong_configuration_that_is_not_needed", arguments: &["catalog", "list", "--config", &config],
            code: 3, named: "wrong-config.yaml", hint: "config.schema.json" },
        Mistake { name: "a_wrong_configuration_for_the_doctor", arguments: &["doctor", "--config", &config],
            code: 3, named: "wrong-config.yaml", hint: "config.schema.json" },
        Mistake { name: "a_data_folder_that_is_a_file", arguments: &["plan", &good, "--base", base, "--data-dir", &good],
            code: 3, named: "good.yaml", hint: "name another one with `--data-dir DIR`" },
    ];
    for mistake in &mistakes {
        scenario.check(mistake.name, || explained(scenario, example, mistake));
    }
    check_signing(scenario, example, &good)?;
    check_registry(scenario, example)?;
    scenario.check("ctrl_c_tells_what_it_ended", || interrupted(scenario, &good));
    Ok(())
}

/// Of who signs an image, and says something about its vulnerabilities.
fn check_signing(scenario: &Scenario, example: &Example, good: &str) -> Result<()> {
    let about = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:example:1", "author": "acme",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": "pkg:deb/debian/absent"}], "status": "fixed"}]}"#;
    let absent = write(scenario, "absent.json", about)?;
    let build = ["build", good, "--base", example.base.as_str(), "--output", "oci:unsigned"];
    let with = |more: &[&'static str]| -> Vec<String> {
        build.iter().copied().chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let about_absent = [with(&["--vex"]), vec![absent]].concat();
    let unfounded = write(scenario, "unfounded.json", &about.replace("\"fixed\"", "\"not_affected\""))?;
    let unfounded = [with(&["--vex"]), vec![unfounded]].concat();
    let import =
        |bundle: &str| ["bundle", "import", bundle, "--key", "good.yaml"].map(str::to_owned).to_vec();
    for (name, arguments, code, named, hint) in [
        ("a_key_for_nothing", with(&["--no-sign", "--key", "cosign.key"]), 2, "--key", "--help"),
        (
            "a_public_key_that_is_none",
            with(&["--base-key", "good.yaml"]),
            2,
            "`good.yaml`",
            "temper key show",
        ),
        ("a_missing_vex_document", with(&["--vex", "missing.json"]), 2, "`missing.json`", "OpenVEX"),
        ("a_vex_document_that_is_none", with(&["--vex", "good.yaml"]), 2, "`good.yaml`", "vexctl create"),
        (
            "vex_without_a_reason",
            unfounded,
            1,
            "statements[0].justification",
            "vulnerable_code_not_in_execute_path",
        ),
        ("a_missing_key", with(&["--key", "missing.key"]), 2, "`missing.key`", "cosign"),
        ("a_key_that_is_none", with(&["--key", "good.yaml"]), 2, "`good.yaml`", "cosign"),
        ("a_missing_bundle", import("missing.tar"), 2, "`missing.tar`", "temper bundle export"),
        ("a_bundle_folder_that_is_missing", import("oci:missing"), 2, "`missing`", "skopeo copy --all"),
        ("vex_about_an_absent_package", about_absent, 1, "`pkg:deb/debian/absent`", "pkg:deb/debian/NAME"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mistake = Mistake { name, arguments: &arguments, code, named, hint };
        scenario.check(name, || explained(scenario, example, &mistake));
    }
    scenario.check("what_cannot_be_signed_is_not_published", || {
        let index = scenario.path("unsigned/index.json");
        ensure!(
            !fs::read_to_string(&index).is_ok_and(|text| text.contains("ref.name")),
            "{}",
            index.display()
        );
        Ok(())
    });
    Ok(())
}

/// Of who serves a registry, looks after it, or writes its accounts.
fn check_registry(scenario: &Scenario, example: &Example) -> Result<()> {
    let occupied = TcpListener::bind(("127.0.0.1", 0)).context("occupying a port")?;
    let port = occupied.local_addr()?.to_string();
    let accounts = write(scenario, "accounts.yaml", "users: {alice: {password: x}, bob: {passwort: y}}\n")?;
    let credentials = "storage-credentials: {access-key-id: key, secret-access-key: secret}\n";
    let credentials = write(scenario, "credentials.yaml", credentials)?;
    let dead_storage = format!("s3://blobs/a?endpoint=http://{}&region=us-east-1", free_address()?);
    let mistyped = scenario.path("mistyped").to_string_lossy().into_owned();
    let fresh = scenario.path("fresh").to_string_lossy().into_owned();
    #[rustfmt::skip]
    let mistakes = [
        Mistake { name: "a_taken_port", arguments: &["serve", "--listen", &port],
            code: 1, named: &port, hint: "another program may listen there" },
        Mistake { name: "an_address_of_another_machine", arguments: &["serve", "--listen", "192.0.2.1:5080"],
            code: 1, named: "192.0.2.1:5080", hint: "--listen 0.0.0.0:5080" },
        Mistake { name: "no_layout_to_validate", arguments: &["validate", "oci:nowhere"],
            code: 2, named: "`nowhere`", hint: "skopeo copy --all" },
        Mistake { name: "a_missing_accounts_file", arguments: &["account", "check", "missing.yaml"],
            code: 2, named: "`missing.yaml`", hint: "examples/accounts.yaml" },
        Mistake { name: "an_accounts_file_with_problems", arguments: &["account", "check", &accounts],
            code: 1, named: "users.bob.passwort", hint: "did you mean `password`?" },
        Mistake { name: "a_data_folder_without_a_registry", arguments: &["registry", "usage", "--data-dir", &mistyped],
            code: 3, named: &mistyped, hint: "name its data folder with `--data-dir DIR`" },
        Mistake { name: "a_registry_of_another_storage",
            arguments: &["registry", "check", "--config", &credentials, "--storage", &dead_storage],
            code: 3, named: "s3://blobs/a", hint: "give the same `--storage` to every command" },
        Mistake { name: "a_store_that_does_not_answer",
            arguments: &["serve", "--listen", "127.0.0.1:0", "--data-dir", &fresh, "--config", &credentials,
                "--storage", &dead_storage],
            code: 3, named: "s3://blobs/a", hint: "check endpoint and region" },
    ];
    for mistake in &mistakes {
        scenario.check(mistake.name, || explained(scenario, example, mistake));
    }
    scenario.check("looking_at_a_registry_makes_none", || {
        ensure!(!Path::new(&mistyped).exists(), "`{mistyped}` was made");
        Ok(())
    });
    Ok(())
}

fn write(scenario: &Scenario, name: &str, text: &str) -> Result<String> {
    let path = scenario.path(name);
    fs::write(&path, text).with_context(|| format!("writing `{name}`"))?;
    Ok(path.to_string_lossy().into_owned())
}

fn dangling_layout(scenario: &Scenario) -> Result<String> {
    let folder = scenario.path("dangling");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    fs::write(folder.join("index.json"), DANGLING_INDEX)?;
    Ok(image::layout(&folder))
}

/// The program says what is wrong and what to do: to people on standard error alone, to scripts as one object.
fn explained(scenario: &Scenario, example: &Example, mistake: &Mistake<'_>) -> Result<()> {
    let run = |more: &[&str]| {
        let client = scenario.temper().env("TEMPER_DATA_DIR", &example.data).args(mistake.arguments);
        client.args(more).exits_with(mistake.code)
    };
    let captured = run(&[])?;
    ensure!(captured.stdout.is_empty(), "standard output has `{}`", captured.stdout);
    for part in [mistake.named, mistake.hint] {
        ensure!(captured.stderr.contains(part), "`{part}` is not in\n{}", captured.stderr);
    }
    let errors = captured.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    ensure!(errors == 1, "{errors} errors in\n{}", captured.stderr);
    ensure!(!captured.stderr.contains("panicked"), "{}", captured.stderr);
    let output = image::json(&run(&["--json"])?.stdout)?;
    let error = output["error"].as_object().with_context(|| format!("no error in {output}"))?;
    let keys: Vec<&str> = error.keys().map(String::as_str).collect();
    ensure!(keys == ["message", "causes", "hint", "problems"], "{keys:?}");
    let hints = hints(&output["error"]);
    ensure!(hints.iter().any(|hint| hint.contains(mistake.hint)), "`{}` is not in {hints:?}", mistake.hint);
    Ok(())
}

/// The hint of an error and those of its problems.
fn hints(error: &Value) -> Vec<&str> {
    let problems = error["problems"].as_array().into_iter().flatten();
    std::iter::once(error).chain(problems).filter_map(|value| value["hint"].as_str()).collect()
}

/// Ctrl-C while a registry is waited for, which takes the connection and says nothing.
fn interrupted(scenario: &Scenario, document: &str) -> Result<()> {
    let silent = TcpListener::bind(("127.0.0.1", 0)).context("listening")?;
    let base = format!("{}/acme/dhi-python:3.13", silent.local_addr()?);
    let log = scenario.log("interrupted");
    let mut child = scenario.start_temper(&["plan", document, "--base", &base], &log)?;
    let _connection = silent.accept().context("waiting for the program")?;
    Invocation::new("kill").args(["-INT", &child.id().to_string()]).output()?;
    let status = child.wait()?;
    let output = fs::read_to_string(&log)?;
    ensure!(status.code() == Some(130), "{status}\n{output}");
    ensure!(output.contains("error: `temper plan` was interrupted"), "{output}");
    ensure!(output.contains("hint: run the same command again"), "{output}");
    Ok(())
}
