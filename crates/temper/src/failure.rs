//! How a failed command ends: the message with its causes, hints, and an exit code.

use std::fmt;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use temper_compose::{ComposeError, External};

/// A failure whose kind, and so its exit code, is known, with a hint for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    hint: Option<String>,
    source: anyhow::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    Usage,
    Configuration,
}

impl Failure {
    /// The command was given something that it cannot use.
    pub(crate) fn usage(source: anyhow::Error) -> Self {
        Self { kind: Kind::Usage, hint: None, source }
    }

    /// The configuration is wrong.
    pub(crate) fn configuration(source: anyhow::Error) -> Self {
        Self { kind: Kind::Configuration, hint: None, source }
    }

    /// The work itself failed.
    pub(crate) fn failed(source: anyhow::Error) -> Self {
        Self { kind: Kind::Failed, hint: None, source }
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

/// Prints why a command failed to standard error and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = format!("error: {error}\n");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Transparent errors repeat the message of what they wrap.
        if cause != said {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        said = cause;
    }
    for hint in hints(error) {
        let _ = writeln!(text, "hint: {hint}");
    }
    // Nothing is left to be done where standard error is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
    exit_code(error)
}

fn hints(error: &anyhow::Error) -> Vec<String> {
    let mut hints: Vec<String> = error
        .chain()
        .filter_map(|cause| {
            let failure = cause.downcast_ref::<Failure>().and_then(|failure| failure.hint.clone());
            let compose = || cause.downcast_ref::<ComposeError>().and_then(ComposeError::hint);
            let external = || cause.downcast_ref::<External>().and_then(|external| external.hint.clone());
            failure.or_else(compose).or_else(external)
        })
        .collect();
    hints.dedup();
    hints
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).map(|failure| failure.kind);
    ExitCode::from(match kind.unwrap_or(Kind::Failed) {
        Kind::Failed => 1,
        Kind::Usage => 2,
        Kind::Configuration => 3,
    })
}
