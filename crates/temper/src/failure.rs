//! How a failed command ends: the message with its causes, problems and hints, and an exit code.

mod report;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

pub(crate) use report::Problem;
use report::Report;

/// A failure whose kind, and so its exit code, is known, with a hint for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    hint: Option<String>,
    problems: Vec<Problem>,
    source: anyhow::Error,
}

/// The kinds of failures; the number of each is the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed = 1,
    Usage = 2,
    Configuration = 3,
    /// As a shell reports a program that Ctrl-C has ended.
    Interrupted = 130,
}

impl Failure {
    /// The command was given something that it cannot use.
    pub(crate) fn usage(source: anyhow::Error) -> Self {
        Self::new(Kind::Usage, source)
    }

    /// The configuration is wrong.
    pub(crate) fn configuration(source: anyhow::Error) -> Self {
        Self::new(Kind::Configuration, source)
    }

    /// The work itself failed.
    pub(crate) fn failed(source: anyhow::Error) -> Self {
        Self::new(Kind::Failed, source)
    }

    /// The person at the terminal ended the work.
    pub(crate) fn interrupted(source: anyhow::Error) -> Self {
        Self::new(Kind::Interrupted, source)
    }

    fn new(kind: Kind, source: anyhow::Error) -> Self {
        Self { kind, hint: None, problems: Vec::new(), source }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    /// Adds what to do about it, if anybody knows.
    #[must_use]
    pub(crate) fn hint_if(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// Adds what is wrong in detail, each with a hint of its own.
    #[must_use]
    pub(crate) fn problems(self, problems: impl IntoIterator<Item = Problem>) -> Self {
        Self { problems: problems.into_iter().collect(), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

/// Tells why a command failed, and returns its exit code: on standard error for people, with `json` as one object on
/// standard output.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    say(&Report::of(error), json);
    ExitCode::from(exit_code(error))
}

/// Tells what is wrong with the command line itself. Help and version come this way too, and are no failures.
pub(crate) fn report_usage(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        say(&Report::of_usage(&error.render().to_string()), json);
    } else {
        // Nothing is left to be done where the output is closed.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { Kind::Usage as u8 } else { 0 })
}

/// Writes an error in one line: the message, and the causes behind it.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let report = Report::of(error);
    std::iter::once(report.message).chain(report.causes).collect::<Vec<_>>().join(": ")
}

/// Returns what to do about an error, if anybody knows.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    Report::of(error).hint
}

/// Writes an error as people see it.
#[cfg(test)]
pub(crate) fn text(error: &anyhow::Error) -> String {
    Report::of(error).to_string()
}

/// Returns the exit code of an error.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).map(|failure| failure.kind);
    kind.unwrap_or(Kind::Failed) as u8
}

fn say(report: &Report, json: bool) {
    // Nothing is left to be done where the output is closed.
    let _ = if json {
        writeln!(io::stdout(), "{:#}", json!({ "error": report }))
    } else {
        io::stderr().write_all(report.to_string().as_bytes())
    };
}
