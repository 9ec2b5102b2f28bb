//! `temper reference`: the reference pages that are generated from the code.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::config::Config;

/// Writes the command line and the schemas as files of a folder.
pub(crate) fn run(folder: &Path) -> Result<ExitCode, anyhow::Error> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("folder `{}` cannot be made", folder.display()))?;
    write(folder, "cli.md", &command_line())?;
    write(folder, "customization.schema.json", &pretty(&temper_spec::schema::customization())?)?;
    write(folder, "accounts.schema.json", &pretty(&temper_spec::schema::accounts())?)?;
    write(folder, "definition.schema.json", &pretty(&temper_spec::schema::definition())?)?;
    let api = serde_json::to_value(temper_web::description())?;
    write(folder, "openapi.json", &pretty(&api)?)?;
    let config = serde_json::to_value(schemars::schema_for!(Config))?;
    write(folder, "config.schema.json", &pretty(&config)?)?;
    Ok(ExitCode::SUCCESS)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), anyhow::Error> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("file `{}` cannot be written", path.display()))
}

fn pretty(value: &serde_json::Value) -> Result<String, anyhow::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Renders the help of every command as one page.
fn command_line() -> String {
    let mut text = "# Command line\n\nGenerated from the code by `cargo xtask generate`.\n".to_owned();
    let mut command = Cli::command().term_width(100);
    command.build();
    section(&mut text, &command);
    text
}

fn section(text: &mut String, command: &clap::Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command.clone().render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        section(text, sub);
    }
}
