//! Starting other programs, with their command line in every error.

#![expect(clippy::disallowed_types, reason = "development tasks start programs; Temper itself never does")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// The longest part of a failed program's output that an error repeats, in bytes.
const QUOTED_OUTPUT_BYTES_MAX: usize = 4000;

/// A program with its arguments, not started yet.
pub(crate) struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    command: Command,
}

/// What a finished program wrote and returned.
pub(crate) struct Captured {
    /// The exit code; `None` if a signal ended the program.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Captured {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

impl Invocation {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.stdin(Stdio::null());
        Self { program: program.as_ref().to_owned(), arguments: Vec::new(), command }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Reads this file as standard input.
    pub(crate) fn input(mut self, file: &Path) -> Result<Self> {
        let file = File::open(file).with_context(|| format!("opening {}", file.display()))?;
        self.command.stdin(file);
        Ok(self)
    }

    /// The same program and arguments as the arguments of `wrapper`, which must not be set up further.
    pub(crate) fn wrapped_by(mut self, wrapper: impl AsRef<OsStr>, first: &[OsString]) -> Self {
        let mut arguments = first.to_vec();
        arguments.push(self.program);
        arguments.append(&mut self.arguments);
        let mut command = Command::new(&wrapper);
        command.stdin(Stdio::null());
        for (key, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        Self { program: wrapper.as_ref().to_owned(), arguments, command }
    }

    /// The program and its arguments.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// The command line, for people.
    pub(crate) fn line(&self) -> String {
        self.words().join(" ")
    }

    /// Shows the command line, then runs with this terminal's output; fails unless the program succeeds.
    pub(crate) fn run(mut self) -> Result<()> {
        let line = self.line();
        println!("$ {line}");
        let status = self.command.args(&self.arguments).status();
        let status = status.with_context(|| format!("cannot start `{line}`"))?;
        if !status.success() {
            bail!("`{line}` failed: {status}");
        }
        Ok(())
    }

    /// Runs to the end and keeps the output, whatever the exit code.
    pub(crate) fn capture(mut self) -> Result<Captured> {
        let line = self.line();
        let output = self.command.args(&self.arguments).output();
        let output = output.with_context(|| format!("cannot start `{line}`"))?;
        Ok(Captured {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs to the end and returns standard output; fails unless the program succeeds.
    pub(crate) fn output(self) -> Result<String> {
        let line = self.line();
        let captured = self.capture()?;
        if !captured.succeeded() {
            let code =
                captured.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            let said =
                tail(if captured.stderr.trim().is_empty() { &captured.stdout } else { &captured.stderr });
            bail!("`{line}` ended with {code}\n{said}");
        }
        Ok(captured.stdout)
    }

    /// Starts in the background with both outputs in `log`.
    pub(crate) fn start(mut self, log: &Path) -> Result<Child> {
        let line = self.line();
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let errors = output.try_clone().context("sharing the log file")?;
        self.command.args(&self.arguments).stdout(output).stderr(errors);
        self.command.spawn().with_context(|| format!("cannot start `{line}`"))
    }
}

fn tail(text: &str) -> &str {
    let text = text.trim_end();
    let start = text.len().saturating_sub(QUOTED_OUTPUT_BYTES_MAX);
    let start = (start..text.len()).find(|&index| text.is_char_boundary(index)).unwrap_or(text.len());
    &text[start..]
}
