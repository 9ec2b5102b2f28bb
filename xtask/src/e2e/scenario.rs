//! What a suite works with: the program, a folder of its own, clients, servers, and the count of what passed.

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::e2e::client::Client;
use crate::e2e::server::Server;
use crate::invocation::Invocation;
use crate::temper::Temper;
use crate::tools;
use crate::workspace::Workspace;

/// How many checks passed and failed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The surroundings of one suite. Its folder is kept after the run, for a look at what went wrong.
pub(crate) struct Scenario<'a> {
    workspace: &'a Workspace,
    temper: &'a Temper,
    suite: &'a str,
    directory: PathBuf,
    short_directory: TempDir,
    check_filter: &'a str,
    steps: Cell<usize>,
    tally: Cell<Tally>,
}

impl<'a> Scenario<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        temper: &'a Temper,
        suite: &'a str,
        directory: PathBuf,
        check_filter: &'a str,
    ) -> Result<Self> {
        fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let short_directory = tempfile::Builder::new().prefix("temper-").tempdir()?;
        let (steps, tally) = (Cell::default(), Cell::default());
        Ok(Self { workspace, temper, suite, directory, short_directory, check_filter, steps, tally })
    }

    /// Does what the checks after it need; counts as a test.
    pub(crate) fn setup<T>(&self, name: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = body();
        let mut tally = self.tally.get();
        tally.passed += usize::from(result.is_ok());
        tally.failed += usize::from(result.is_err());
        self.tally.set(tally);
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("test {}::{name} ... {verdict} ({:.1} s)", self.suite, start.elapsed().as_secs_f64());
        if let Err(error) = &result {
            println!("{error:#}");
        }
        result
    }

    /// Tests one thing, unless the filter leaves it out.
    pub(crate) fn check(&self, name: &str, body: impl FnOnce() -> Result<()>) {
        if name.contains(self.check_filter) {
            let _ = self.setup(name, body);
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.get()
    }

    /// A path in the suite's folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.join(name)
    }

    /// A short path for programs that take no long one; gone after the suite.
    pub(crate) fn short_path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.short_directory.path().join(name)
    }

    /// A path that all suites of a run have in common.
    pub(crate) fn shared_path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.with_file_name("shared").join(name)
    }

    /// A file of the repository.
    pub(crate) fn repository_path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.workspace.root().join(name)
    }

    /// The program under test, with the suite's folder as home and working directory.
    pub(crate) fn temper(&self) -> Client<'_> {
        self.client(self.temper.command().env("HOME", &self.directory))
    }

    /// The arguments of a command line that runs the program under test, by itself or through a shell.
    pub(crate) fn arguments_of_temper<'w>(&self, words: &'w [String]) -> Option<&'w [String]> {
        let program = self.temper.path().to_string_lossy();
        let position = words.iter().position(|word| *word == program)?;
        Some(&words[position + 1..])
    }

    /// A known tool, installed first if it is missing.
    pub(crate) fn tool(&self, name: &str) -> Result<Client<'_>> {
        Ok(self.client(Invocation::new(self.tool_path(name)?)))
    }

    /// The path of a known tool, installed first if it is missing.
    pub(crate) fn tool_path(&self, name: &str) -> Result<PathBuf> {
        Ok(tools::require(self.workspace, &[name])?.remove(0))
    }

    /// Starts `temper` with `arguments`, to which `--listen` and a free address are added, and waits until it answers.
    ///
    /// Nobody logs in, unless the arguments name accounts.
    pub(crate) fn serve<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Result<Server> {
        let has_accounts = arguments.iter().any(|argument| argument.as_ref() == "--accounts");
        let anonymous: &[&str] = if has_accounts { &[] } else { &["--anonymous"] };
        let command = self.temper.command().env("HOME", &self.directory).directory(&self.directory);
        Server::start(command.args(arguments).args(anonymous), &self.log("serve"))
    }

    /// Starts `temper` with `arguments` as [`Self::serve`] does, but with the people that the server itself keeps.
    pub(crate) fn serve_with_people<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Result<Server> {
        let command = self.temper.command().env("HOME", &self.directory).directory(&self.directory);
        Server::start(command.args(arguments), &self.log("serve"))
    }

    /// Starts `temper` and does not wait for its end; both its outputs go to `log`.
    pub(crate) fn start_temper(&self, arguments: &[&str], log: &Path) -> Result<Child> {
        let command = self.temper.command().env("HOME", &self.directory).directory(&self.directory);
        command.args(arguments).start(log)
    }

    /// Starts a known tool that has been told to listen at `address`, and waits until it answers.
    pub(crate) fn start_tool(&self, name: &str, arguments: &[String], address: SocketAddr) -> Result<Server> {
        let command = Invocation::new(self.tool_path(name)?).directory(&self.directory).args(arguments);
        Server::start_at(address, command, &self.log(name))
    }

    /// A file for the output of the next step.
    pub(crate) fn log(&self, program: &str) -> PathBuf {
        self.path(self.numbered(program) + ".log")
    }

    /// A name that no other step has.
    pub(crate) fn numbered(&self, name: &str) -> String {
        let step = self.steps.get() + 1;
        self.steps.set(step);
        format!("{step:02}-{name}")
    }

    fn client(&self, invocation: Invocation) -> Client<'_> {
        Client::new(self, invocation.directory(&self.directory))
    }
}
