//! Development tasks, run as `cargo xtask <command>`.
//!
//! What a contributor or the continuous integration runs beyond plain cargo: one command per file. This is the one
//! crate of the repository that starts processes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool talks to the terminal")]

mod apt;
mod bench;
mod check;
mod docker_registry;
mod e2e;
mod fuzz;
mod generate;
mod http;
mod invocation;
mod oracle;
mod postgres;
mod report;
mod temper;
mod test;
mod tools;
mod workspace;
mod zot;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of Temper")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check formatting, lints, the crate graph, tidiness, generated files, and dependencies
    Check(check::Arguments),
    /// Write the generated reference pages under docs/reference
    Generate,
    /// Run every test of the workspace, then the end-to-end tests against the real binary
    Test(test::Arguments),
    /// Run only the end-to-end tests
    E2e(e2e::Arguments),
    /// Install the programs that tests use
    Tools(tools::Arguments),
    /// Compare the packages of `temper plan` with those that apt chooses
    Oracle(oracle::Arguments),
    /// Feed parsers of foreign bytes with inputs that nobody thought of
    Fuzz(fuzz::Arguments),
    /// Measure Temper side by side with other programs
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Check(arguments) => check::run(&workspace, arguments),
        Command::Generate => generate::run(&workspace),
        Command::Test(arguments) => test::run(&workspace, arguments),
        Command::E2e(arguments) => e2e::run(&workspace, arguments),
        Command::Tools(arguments) => tools::run(&workspace, arguments),
        Command::Oracle(arguments) => oracle::run(&workspace, arguments),
        Command::Fuzz(arguments) => fuzz::run(&workspace, arguments),
        Command::Bench(arguments) => bench::run(&workspace, arguments),
    }
}
