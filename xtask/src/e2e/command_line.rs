//! The program as a person at a terminal or a script meets it: help, exit codes, errors with hints, JSON.

use std::fs;
use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::example::{Example, example};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

/// Every command, as it is asked for its help.
const COMMANDS: &[&str] = &[
    "",
    "quickstart",
    "serve",
    "plan",
    "build",
    "catalog",
    "catalog list",
    "catalog get",
    "catalog build",
    "customization",
    "customization prepare",
    "validate",
    "doctor",
    "completion",
];

/// A document whose `contents` are filled in; line 4.
const DOCUMENT: &str = "name: test\nsuffix: test\ntargets: [{destination: acme/dhi-python, tag: '3.13'}]\n\
                        contents: CONTENTS\nplatforms: [linux/amd64]\n";

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

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    scenario.check("the_version_is_printed", || {
        let output = scenario.temper().args(["--version"]).succeeds()?;
        ensure!(output.starts_with("temper "), "`{output}` names no program");
        Ok(())
    });
    scenario.check("every_help_has_an_example", || every_help_has_an_example(scenario));
    scenario.check("every_command_is_in_the_list", || every_command_is_listed(scenario));
    scenario.check("completion_scripts_are_whole", || completion_scripts_are_whole(scenario));
    scenario.check("the_catalog_is_listed_and_shown", || catalog(scenario));
    scenario.check("a_prepared_document_is_accepted", || prepared(scenario));
    let example = scenario.setup("the_base_is_there", || example(scenario))?;
    scenario.check("the_doctor_finds_nothing", || doctor(scenario, &example));
    scenario.check("json_is_one_value", || json_is_one_value(scenario, &example));
    check_mistakes(scenario, &example)
}

fn every_help_has_an_example(scenario: &Scenario) -> Result<()> {
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = scenario.temper().args(&words).args(["--help"]).succeeds()?;
        let (_, examples) =
            help.split_once("Example").with_context(|| format!("`{command} --help` has no example"))?;
        let example = format!("  temper {command}");
        ensure!(examples.contains(example.trim_end()), "`{command} --help` shows no `{}`", example.trim());
    }
    Ok(())
}

/// The help of the program and of its groups name no command that this suite does not know.
fn every_command_is_listed(scenario: &Scenario) -> Result<()> {
    for group in ["", "catalog", "customization"] {
        let words: Vec<&str> = group.split_whitespace().collect();
        let help = scenario.temper().args(&words).args(["--help"]).succeeds()?;
        let (_, list) = help.split_once("Commands:\n").context("a help without commands")?;
        let names = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            let command = format!("{group} {name}");
            ensure!(COMMANDS.contains(&command.trim()), "`{}` is not tested here", command.trim());
        }
    }
    Ok(())
}

fn completion_scripts_are_whole(scenario: &Scenario) -> Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let script = scenario.temper().args(["completion", shell]).succeeds()?;
        for word in ["quickstart", "customization", "data-dir"] {
            ensure!(script.contains(word), "the script for {shell} does not know `{word}`");
        }
    }
    let script = scenario.path("completion.bash");
    fs::write(&script, scenario.temper().args(["completion", "bash"]).succeeds()?)?;
    scenario.tool("bash")?.args(["-n".as_ref(), script.as_os_str()]).succeeds().map(drop)
}

fn catalog(scenario: &Scenario) -> Result<()> {
    let list = image::json(&scenario.temper().args(["catalog", "list", "--json"]).succeeds()?)?;
    let lines = list.as_array().context("the list is no array")?;
    let ids = lines.iter().map(|line| image::text(line, "id")).collect::<Result<Vec<_>>>()?;
    for kind in
        ["static/debian-13/13", "debian-base/debian-13/13", "bash/debian-13/5", "python/debian-13/3.13"]
    {
        for id in [kind.to_owned(), format!("{kind}-dev")] {
            ensure!(ids.contains(&id.as_str()), "{id} is not among {ids:?}");
        }
    }
    let all_platforms =
        |line: &&Value| line["platforms"] == serde_json::json!(["linux/amd64", "linux/arm64"]);
    ensure!(lines.iter().all(|line| all_platforms(&line)), "{list}");
    for id in ids {
        let text = scenario.temper().args(["catalog", "get", id]).succeeds()?;
        ensure!(text.contains("platforms:"), "`{text}` is no definition");
    }
    let filtered = scenario.temper().args(["catalog", "list", "--filter", "python"]).succeeds()?;
    ensure!(filtered.lines().count() == 2, "{filtered}");
    Ok(())
}

fn prepared(scenario: &Scenario) -> Result<()> {
    let arguments =
        ["customization", "prepare", "acme/dhi-python", "-t", "python/debian-13/3.13", "-n", "mine"];
    let document = scenario.temper().args(arguments).succeeds()?;
    let path = scenario.path("prepared.yaml");
    fs::write(&path, &document)?;
    ensure!(document.contains("name: mine"), "{document}");
    // The document is read before its base is looked for.
    let captured = scenario.temper().args(["plan".as_ref(), path.as_os_str()]).exits_with(2)?;
    ensure!(captured.stderr.contains("has no registry host"), "{}", captured.stderr);
    Ok(())
}

fn doctor(scenario: &Scenario, example: &Example) -> Result<()> {
    let client = scenario.temper().args(["doctor", "--json", "--data-dir"]).args([&example.data]);
    let checks = image::json(&client.succeeds()?)?;
    let checks = checks.as_array().context("the doctor says no array")?;
    ensure!(checks.len() == 5, "{checks:?}");
    ensure!(checks.iter().all(|check| check["is_good"] == true), "{checks:?}");
    Ok(())
}

fn json_is_one_value(scenario: &Scenario, example: &Example) -> Result<()> {
    let document = write_document(scenario, "good", "{packages: [jq]}")?;
    let output = image::layout(&scenario.path("good"));
    let arguments: &[&[&str]] = &[
        &["plan", &document, "--base", &example.base],
        &["build", &document, "--base", &example.base, "--output", &output],
        &["validate", &output],
        &["catalog", "list"],
        &["catalog", "get", "python/debian-13/3.13"],
        &["doctor"],
    ];
    for arguments in arguments {
        let client = scenario.temper().args(*arguments).args(["--json", "--data-dir"]).args([&example.data]);
        let value = image::json(&client.succeeds()?)?;
        ensure!(value.is_object() || value.is_array(), "{arguments:?} printed {value}");
    }
    Ok(())
}

fn write_document(scenario: &Scenario, name: &str, contents: &str) -> Result<String> {
    let path = scenario.path(format!("{name}.yaml"));
    fs::write(&path, DOCUMENT.replace("CONTENTS", contents)).context("writing a document")?;
    Ok(path.to_string_lossy().into_owned())
}

fn check_mistakes(scenario: &Scenario, example: &Example) -> Result<()> {
    let good = write_document(scenario, "good", "{packages: [jq]}")?;
    let unknown_key = write_document(scenario, "unknown-key", "{packges: [jq]}")?;
    let unknown_package = write_document(scenario, "unknown-package", "{packages: [curll]}")?;
    let config = scenario.path("wrong-config.yaml");
    fs::write(&config, "mirror: {}\n").context("writing a configuration")?;
    let config = config.to_string_lossy();
    let occupied = TcpListener::bind(("127.0.0.1", 0)).context("occupying a port")?;
    let port = occupied.local_addr()?.to_string();
    let base = example.base.as_str();
    #[rustfmt::skip]
    let mistakes = [
        Mistake { name: "an_unknown_command", arguments: &["quikstart"],
            code: 2, named: "quikstart", hint: "quickstart" },
        Mistake { name: "an_unknown_key", arguments: &["plan", &unknown_key, "--base", base],
            code: 1, named: "4:12: `contents.packges`", hint: "hint: did you mean `packages`?" },
        Mistake { name: "an_unknown_package", arguments: &["build", &unknown_package, "--base", base, "--output", "oci:none"],
            code: 1, named: "`curll`", hint: "hint: did you mean `curl`?" },
        Mistake { name: "a_wrong_reference", arguments: &["plan", &good, "--base", "registry.example/Acme/python:3.13"],
            code: 2, named: "registry.example/Acme/python:3.13", hint: "hint: write it in lower case" },
        Mistake { name: "a_reference_without_form", arguments: &["plan", &good, "--base", "acme//python::3"],
            code: 2, named: "`acme//python::3`", hint: "hint: write `HOST[:PORT]/REPOSITORY[:TAG]`" },
        Mistake { name: "a_base_without_registry", arguments: &["plan", &good],
            code: 2, named: "acme/dhi-python:3.13", hint: "hint: name the server (`--server HOST:PORT`)" },
        Mistake { name: "a_missing_layout", arguments: &["plan", &good, "--base", "oci:nowhere"],
            code: 1, named: "`nowhere`", hint: "oci-layout" },
        Mistake { name: "a_missing_document", arguments: &["plan", "missing.yaml", "--base", base],
            code: 2, named: "`missing.yaml`", hint: "No such file" },
        Mistake { name: "an_unknown_definition", arguments: &["catalog", "get", "python/debian-13/2.7"],
            code: 2, named: "`python/debian-13/2.7`", hint: "hint: there is python/debian-13/3.13" },
        Mistake { name: "a_taken_port", arguments: &["serve", "--listen", &port],
            code: 1, named: &port, hint: "hint: another program may listen there" },
        Mistake { name: "a_wrong_configuration", arguments: &["plan", &good, "--base", base, "--config", &config],
            code: 3, named: "wrong-config.yaml", hint: "hint: `temper doctor --config FILE`" },
        Mistake { name: "a_data_folder_that_is_a_file", arguments: &["plan", &good, "--base", base, "--data-dir", &good],
            code: 3, named: "good.yaml", hint: "hint: name another one with `--data-dir DIR`" },
    ];
    for mistake in &mistakes {
        scenario.check(mistake.name, || explained(scenario, example, mistake));
    }
    Ok(())
}

/// The program says what is wrong and what to do, on standard error alone.
fn explained(scenario: &Scenario, example: &Example, mistake: &Mistake<'_>) -> Result<()> {
    let client = scenario.temper().env("TEMPER_DATA_DIR", &example.data).args(mistake.arguments);
    let captured = client.exits_with(mistake.code)?;
    ensure!(captured.stdout.is_empty(), "standard output has `{}`", captured.stdout);
    for part in [mistake.named, mistake.hint] {
        ensure!(captured.stderr.contains(part), "`{part}` is not in\n{}", captured.stderr);
    }
    let errors = captured.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    ensure!(errors == 1, "{errors} errors in\n{}", captured.stderr);
    ensure!(!captured.stderr.contains("panicked"), "{}", captured.stderr);
    Ok(())
}
