//! The temper command: reads the command line, opens the data folder, and runs one command.

mod asking;
mod atomic_file;
mod backup;
mod bundle;
mod catalog;
mod cli;
mod client;
mod commands;
mod config;
mod database;
mod embedded;
mod failure;
mod ids;
mod inputs;
mod interrupt;
mod keys;
mod locate;
mod plan_text;
mod printing;
mod progress;
mod request;
mod server;
mod signing;
mod storage;
mod trust;
mod workspace;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command, CustomizationCommand, LogFormat};
use crate::commands::api::Api;
use crate::config::Config;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

/// Composition makes and drops many small strings on all threads; the system's allocator takes a fifth of a plan.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // What else the command line says is not known, only that this word is in it.
        Err(error) => return failure::report_usage(&error, std::env::args_os().any(|word| word == "--json")),
    };
    init_log(&cli);
    match run(&cli) {
        Ok(code) => code,
        Err(error) => failure::report(&error, cli.global.json),
    }
}

fn run(cli: &Cli) -> Result<ExitCode, anyhow::Error> {
    let json = cli.global.json;
    init_workers(cli.global.workers)?;
    if cli.command.uses_configuration() {
        // A wrong file is told by every command, also by one that would not look into it.
        Config::read(cli.global.config.as_deref())?;
    }
    let runtime = Runtime::new().context("the asynchronous runtime cannot start")?;
    let open = || Workspace::open(&cli.global, runtime.handle());
    let open_registry = || embedded::require(&cli.global).and_then(|()| open());
    let api = |options: &cli::ServerOptions| Api::open(&cli.global, options, runtime.handle());
    let watch = |workspace: &Workspace, command| Interrupt::watch(workspace, command, json);
    let watched = |command, work: &dyn Fn(&Workspace) -> Result<ExitCode, anyhow::Error>| {
        let workspace = open()?;
        let _interrupt = watch(&workspace, command);
        work(&workspace)
    };
    match &cli.command {
        Command::Quickstart(options) => {
            let workspace = open()?;
            let interrupt = watch(&workspace, "quickstart");
            commands::quickstart::run(&workspace, options, json, interrupt)
        }
        Command::Serve(options) => commands::serve::run(&open()?, options, json),
        Command::LogIn(options) => commands::login::log_in(&cli.global, options, runtime.handle()),
        Command::LogOut(options) => commands::login::log_out(&cli.global, options, runtime.handle()),
        Command::Org(org) => commands::org::run(&api(&org.server)?, &org.command),
        Command::Team(team) => commands::team::run(&api(&team.server)?, &team.command),
        Command::Token(token) => commands::token::run(&api(&token.server)?, &token.command),
        Command::Repo(repo) => commands::repo::run(&api(&repo.server)?, &repo.command),
        Command::Mirror(mirror) => commands::mirror::run(&api(&mirror.server)?, &mirror.command),
        Command::Watch(watch) => commands::watch::run(&api(&watch.server)?, &watch.command),
        Command::Freshness(options) => commands::watch::freshness(&api(&options.server)?, options),
        Command::Webhook(webhook) => commands::webhook::run(&api(&webhook.server)?, &webhook.command),
        Command::User(user) => commands::user::run(&api(&user.server)?, &user.command),
        Command::Audit(audit) => commands::audit::run(&api(&audit.server)?, &audit.command),
        Command::Backup(options) => commands::backup::run(&open_registry()?, options, json),
        Command::Restore(options) => commands::backup::restore(&cli.global, runtime.handle(), options),
        Command::Registry(command) => run_registry(&open_registry()?, command, json),
        Command::Plan(options) => watched("plan", &|workspace| commands::plan::run(workspace, options, json)),
        Command::Build(options) => {
            watched("build", &|workspace| commands::build::run(workspace, options, json))
        }
        Command::Catalog(cli::Catalog::List(options)) => list_catalog(options, &api, json),
        Command::Catalog(cli::Catalog::Get(options)) => get_catalog(options, &api, json),
        Command::Catalog(cli::Catalog::Build(options)) => {
            watched("catalog build", &|workspace| commands::catalog::build(workspace, options, json))
        }
        Command::Customization(cli::Customization {
            command: CustomizationCommand::Prepare(options),
            ..
        }) => commands::customization::prepare(options, json),
        Command::Customization(customization) => {
            commands::customization::run(&api(&customization.server)?, &customization.command)
        }
        Command::Attestation(command) => run_attestation(&open()?, command, json),
        Command::Verify(options) => commands::verify::run(&open()?, options, json),
        Command::Reproduce(options) => {
            watched("reproduce", &|workspace| commands::reproduce::run(workspace, options, json))
        }
        Command::Explain(options) => commands::explain::run(&open()?, options, json),
        Command::Bundle(command) => run_bundle(&open()?, command, json),
        Command::Key(command) => run_key(&open()?, command, json),
        Command::Account(command) => run_account(command, json),
        Command::Validate(options) => commands::validate::run(options, json),
        Command::Doctor => commands::doctor::run(&cli.global, runtime.handle()),
        Command::Completion { shell } => print_completion(*shell),
        Command::Reference { directory } => commands::reference::run(directory),
    }
}

/// Opens the server that options name.
type OpenApi<'a> = &'a dyn Fn(&cli::ServerOptions) -> Result<Api, anyhow::Error>;

fn list_catalog(options: &cli::CatalogList, api: OpenApi<'_>, json: bool) -> Result<ExitCode, anyhow::Error> {
    match options.server.named() {
        Some(server) => commands::catalog::list_served(&api(server)?, options),
        None => commands::catalog::list(options, json),
    }
}

fn get_catalog(options: &cli::CatalogGet, api: OpenApi<'_>, json: bool) -> Result<ExitCode, anyhow::Error> {
    match options.server.named() {
        Some(server) => commands::catalog::get_served(&api(server)?, options),
        None => commands::catalog::get(options, json),
    }
}

fn run_bundle(workspace: &Workspace, command: &cli::Bundle, json: bool) -> Result<ExitCode, anyhow::Error> {
    match command {
        cli::Bundle::Export(options) => commands::bundle::export(workspace, options, json),
        cli::Bundle::Import(options) => commands::bundle::import(workspace, options, json),
    }
}

fn run_registry(
    workspace: &Workspace,
    command: &cli::Registry,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    match command {
        cli::Registry::Usage(options) => commands::registry::usage(workspace, options, json),
        cli::Registry::Gc(options) => commands::registry::gc(workspace, options, json),
        cli::Registry::Check => commands::registry::check(workspace, json),
    }
}

fn run_attestation(
    workspace: &Workspace,
    command: &cli::Attestation,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    match command {
        cli::Attestation::List(options) => commands::attestation::list(workspace, options, json),
        cli::Attestation::Get(options) => commands::attestation::get(workspace, options),
        cli::Attestation::Sbom(options) => commands::attestation::sbom(workspace, options, json),
        cli::Attestation::Howto(options) => commands::attestation::howto(workspace, options, json),
    }
}

fn run_key(workspace: &Workspace, command: &cli::Key, json: bool) -> Result<ExitCode, anyhow::Error> {
    match command {
        cli::Key::List => commands::key::list(workspace, json),
        cli::Key::Show(options) => commands::key::show(workspace, options, json),
        cli::Key::Create => commands::key::create(workspace, json),
        cli::Key::Rotate => commands::key::rotate(workspace, json),
        cli::Key::Import(options) => commands::key::import(workspace, options, json),
    }
}

fn run_account(command: &cli::Account, json: bool) -> Result<ExitCode, anyhow::Error> {
    match command {
        cli::Account::Hash => commands::account::hash(json),
        cli::Account::Token => commands::account::token(json),
        cli::Account::Check(options) => commands::account::check(options, json),
    }
}

fn print_completion(shell: clap_complete::Shell) -> Result<ExitCode, anyhow::Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "temper", &mut script);
    printing::print_text(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Sets how many threads decode and compress; results do not depend on it.
fn init_workers(workers: Option<u16>) -> Result<(), anyhow::Error> {
    let Some(workers) = workers else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(workers))
        .build_global()
        .with_context(|| format!("{workers} worker threads cannot be started"))
        .map_err(|error| failure::Failure::usage(error).into())
}

/// Logs warnings to standard error, of a server what changes too, and more where `TEMPER_LOG` says so.
fn init_log(cli: &Cli) {
    let default = match cli.command {
        Command::Serve(_) => "warn,temper=info,temper_hub=info,temper_registry=info",
        _ => "warn",
    };
    let filter = std::env::var("TEMPER_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let is_terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal);
    let log = log.with_writer(std::io::stderr);
    // A second subscriber can only be one of a test, which then sees the events.
    let _ = match cli.global.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).try_init(),
    };
}
