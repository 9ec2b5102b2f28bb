//! The program as a person at a terminal or a script meets it: help, exit codes, errors with hints, JSON.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::example::{Example, example};
use crate::e2e::image;
use crate::e2e::mistakes::{self, write_document};
use crate::e2e::scenario::Scenario;

/// Every command, as it is asked for its help.
const COMMANDS: &[&str] = &[
    "",
    "quickstart",
    "serve",
    "login",
    "logout",
    "org",
    "org create",
    "org list",
    "org get",
    "org edit",
    "org delete",
    "org member",
    "org member list",
    "org member add",
    "org member remove",
    "team",
    "team create",
    "team list",
    "team get",
    "team delete",
    "team member",
    "team member add",
    "team member remove",
    "team right",
    "team right set",
    "team right remove",
    "token",
    "token create",
    "token list",
    "token revoke",
    "repo",
    "repo list",
    "repo get",
    "repo set",
    "repo delete",
    "user",
    "user create",
    "user list",
    "user get",
    "user edit",
    "user password",
    "user delete",
    "audit",
    "audit list",
    "mirror",
    "mirror start",
    "mirror list",
    "mirror get",
    "mirror sync",
    "mirror stop",
    "watch",
    "watch get",
    "watch pause",
    "watch resume",
    "watch windows",
    "freshness",
    "webhook",
    "webhook create",
    "webhook list",
    "webhook ping",
    "webhook deliveries",
    "webhook delete",
    "webhook incoming",
    "webhook incoming create",
    "webhook incoming list",
    "webhook incoming delete",
    "plan",
    "build",
    "catalog",
    "catalog list",
    "catalog get",
    "catalog build",
    "customization",
    "customization prepare",
    "attestation",
    "attestation list",
    "attestation get",
    "attestation sbom",
    "attestation howto",
    "bundle",
    "bundle export",
    "bundle import",
    "key",
    "key list",
    "key show",
    "key create",
    "key rotate",
    "key import",
    "registry",
    "registry usage",
    "registry gc",
    "registry check",
    "account",
    "account hash",
    "account token",
    "account check",
    "verify",
    "reproduce",
    "explain",
    "validate",
    "doctor",
    "completion",
    "backup",
    "restore",
    "customization create",
    "customization apply",
    "customization list",
    "customization get",
    "customization edit",
    "customization delete",
    "customization history",
    "customization restore",
    "customization build",
    "customization build list",
    "customization build get",
    "customization build logs",
    "customization build run",
    "customization build retry",
    "customization build cancel",
    "customization build rollback",
    "customization build release",
];

/// Commands that have commands.
const GROUPS: &[&str] = &[
    "",
    "catalog",
    "customization",
    "attestation",
    "bundle",
    "key",
    "registry",
    "account",
    "org",
    "org member",
    "team",
    "team member",
    "team right",
    "token",
    "repo",
    "user",
    "audit",
    "customization build",
    "mirror",
    "watch",
    "webhook",
    "webhook incoming",
];

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    scenario.check("the_version_is_printed", || {
        let output = scenario.temper().args(["--version"]).succeeds()?;
        ensure!(output.starts_with("temper "), "`{output}` names no program");
        Ok(())
    });
    scenario.check("every_help_has_an_example", || every_help_has_an_example(scenario));
    scenario.check("the_help_names_where_passwords_come_from", || {
        for command in ["build", "catalog build", "quickstart", "key"] {
            let words: Vec<&str> = command.split_whitespace().collect();
            let help = scenario.temper().args(&words).args(["--help"]).succeeds()?;
            for variable in ["TEMPER_KEY_PASSWORD", "TEMPER_KEY_PASSWORD_FILE", "COSIGN_PASSWORD"] {
                ensure!(help.contains(variable), "`{command} --help` does not name {variable}");
            }
        }
        Ok(())
    });
    scenario.check("every_command_is_in_the_list", || every_command_is_listed(scenario));
    scenario.check("completion_scripts_are_whole", || completion_scripts_are_whole(scenario));
    scenario.check("the_catalog_is_listed_and_shown", || catalog(scenario));
    let example = scenario.setup("the_base_is_there", || example(scenario))?;
    scenario.check("a_prepared_document_is_accepted", || prepared(scenario, &example));
    scenario.check("what_killed_writers_left_is_swept", || swept(scenario, &example));
    scenario.check("the_doctor_finds_nothing", || doctor(scenario, &example));
    scenario.check("json_is_one_object", || json_is_one_object(scenario, &example));
    mistakes::check(scenario, &example)
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
    for group in GROUPS {
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
    let lines = list["definitions"].as_array().context("the list is no array")?;
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

fn prepared(scenario: &Scenario, example: &Example) -> Result<()> {
    let arguments =
        ["customization", "prepare", "acme/dhi-python", "-t", "python/debian-13/3.13", "-n", "mine"];
    let prepared = |more: &[&str], file: &str| {
        let document = scenario.temper().args(arguments).args(more).succeeds()?;
        let path = scenario.path(file);
        fs::write(&path, &document)?;
        let plan = scenario.temper().args(["plan", "--json", "--base", &example.base, "--data-dir"]);
        let plan = image::json(&plan.args([&example.data, &path]).succeeds()?)?;
        ensure!(plan["tags"][0] == "3.13_mine", "{plan}");
        Ok(document)
    };
    let document = prepared(&[], "prepared.yaml")?;
    ensure!(document.contains("name: mine") && document.contains("#contents:"), "{document}");
    let document = image::json(&prepared(&["--json"], "prepared.json")?)?;
    ensure!(document["targets"][0]["tag_definition_id"] == "python/debian-13/3.13", "{document}");
    Ok(())
}

/// Files of writers that died long ago go when the data folder is opened; young ones may still be written.
fn swept(scenario: &Scenario, example: &Example) -> Result<()> {
    let blobs = example.data.join("blobs");
    let (old, young) = (blobs.join(".incoming-old"), blobs.join(".incoming-young"));
    let file = fs::File::create(&old)?;
    fs::write(&young, "half")?;
    file.set_modified(file.metadata()?.modified()? - Duration::from_hours(25))?;
    drop(file);
    scenario.temper().args(["doctor", "--data-dir"]).args([&example.data]).succeeds()?;
    ensure!(!old.exists() && young.exists(), "old: {}, young: {}", old.exists(), young.exists());
    Ok(fs::remove_file(young)?)
}

fn doctor(scenario: &Scenario, example: &Example) -> Result<()> {
    let client = scenario.temper().args(["doctor", "--json", "--data-dir"]).args([&example.data]);
    let checks = image::json(&client.succeeds()?)?;
    let checks = checks["checks"].as_array().context("the doctor says no array")?;
    ensure!(checks.len() == 5, "{checks:?}");
    ensure!(checks.iter().all(|check| check["is_good"] == true), "{checks:?}");
    Ok(())
}

fn json_is_one_object(scenario: &Scenario, example: &Example) -> Result<()> {
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
        ensure!(value.is_object(), "{arguments:?} printed {value}");
    }
    Ok(())
}
