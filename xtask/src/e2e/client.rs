//! A program run by a case: its output is checked, and kept in the case's folder.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::e2e::scenario::Scenario;
use crate::e2e::second;
use crate::invocation::{Captured, Invocation};

/// A command line that is being put together.
pub(crate) struct Client<'a> {
    scenario: &'a Scenario<'a>,
    invocation: Invocation,
}

impl<'a> Client<'a> {
    pub(crate) fn new(scenario: &'a Scenario<'a>, invocation: Invocation) -> Self {
        Self { scenario, invocation }
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.invocation = self.invocation.args(arguments);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.invocation = self.invocation.env(key, value);
        self
    }

    /// Reads this file as standard input.
    pub(crate) fn input(mut self, file: &Path) -> Result<Self> {
        self.invocation = self.invocation.input(file)?;
        Ok(self)
    }

    /// Runs with this file mode creation mask; arguments and variables must be complete.
    pub(crate) fn umask(mut self, mask: &str) -> Self {
        let script = format!("umask {mask}; exec \"$0\" \"$@\"");
        self.invocation = self.invocation.wrapped_by("sh", &["-c".into(), script.into()]);
        self
    }

    /// Runs and expects success; returns standard output.
    pub(crate) fn succeeds(self) -> Result<String> {
        self.exits_with(0).map(|captured| captured.stdout)
    }

    /// Runs and expects this exit code.
    pub(crate) fn exits_with(self, code: i32) -> Result<Captured> {
        let line = self.invocation.line();
        let captured = self.run()?;
        if captured.code != Some(code) {
            let Captured { code: found, stdout, stderr } = captured;
            bail!("`{line}` ended with {found:?}, expected {code}\n{stdout}{stderr}");
        }
        Ok(captured)
    }

    /// Runs and expects any failure.
    pub(crate) fn fails(self) -> Result<Captured> {
        let line = self.invocation.line();
        let captured = self.run()?;
        if captured.succeeded() {
            bail!("`{line}` succeeded, expected a failure\n{}", captured.stdout);
        }
        Ok(captured)
    }

    /// Runs, whatever comes of it.
    pub(crate) fn run(self) -> Result<Captured> {
        let line = self.invocation.line();
        let program = line.split(' ').next().unwrap_or_default().to_owned();
        let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
        let log = self.scenario.log(&program);
        let words = self.invocation.words();
        let captured = self.invocation.capture()?;
        let Captured { code, stdout, stderr } = &captured;
        fs::write(&log, format!("$ {line}\n{stdout}{stderr}exit code: {code:?}\n"))
            .with_context(|| format!("writing {}", log.display()))?;
        if captured.succeeded()
            && let Some(arguments) = self.scenario.arguments_of_temper(&words)
        {
            second::reproduce_published(self.scenario, arguments, &captured.stdout)?;
        }
        Ok(captured)
    }
}
