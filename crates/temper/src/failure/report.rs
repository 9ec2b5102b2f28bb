//! What is told of a failure: each cause once, each problem with its hint.

use std::error::Error;
use std::fmt;
use std::io;

use serde::Serialize;
use temper_attest::KeyError;
use temper_compose::{ComposeError, External, Finding};
use temper_fetch::archive::ArchiveError;
use temper_fetch::http::HttpError;
use temper_fetch::registry::RegistryError;
use temper_oci::Platform;
use temper_store::blobs::BlobError;
use temper_store::layout::LayoutError;
use temper_store::records::{PortableError, RecordsError};
use temper_store::storage::StorageError;

use super::Failure;

/// Causes that say no more than that something below them failed, as the HTTP client writes them.
const EMPTY_CAUSES: [&str; 5] = [
    "error sending request",
    "client error (Connect)",
    "client error (SendRequest)",
    "tcp connect error",
    "dns error",
];

/// A failure in words. With `--json` it stands under `error`; docs/command-line.md describes it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    pub(super) message: String,
    pub(super) causes: Vec<String>,
    pub(super) hint: Option<String>,
    pub(super) problems: Vec<Problem>,
}

/// One thing that is wrong with a document or a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Place in the document, `contents.packages[2]`; empty for the document itself.
    path: String,
    message: String,
    hint: Option<String>,
    /// Line of the text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column of the text in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The only platform that has the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
}

impl Problem {
    /// Takes over a problem of a plan.
    pub(crate) fn of_plan(platform: Option<&Platform>, finding: &Finding) -> Self {
        let Finding { path, message, hint } = finding.clone();
        Self { path, message, hint, platform: platform.cloned(), ..Self::default() }
    }

    /// A problem that is no place in a document.
    pub(crate) fn new(message: String) -> Self {
        Self { message, ..Self::default() }
    }

    /// Leaves out the place in a text that the reader does not have.
    pub(crate) fn without_position(self) -> Self {
        Self { line: None, column: None, ..self }
    }
}

impl From<&temper_spec::Problem> for Problem {
    fn from(problem: &temper_spec::Problem) -> Self {
        let temper_spec::Problem { path, line, column, message, hint } = problem.clone();
        Self { path, message, hint, line, column, platform: None }
    }
}

impl From<&temper_web::Problem> for Problem {
    fn from(problem: &temper_web::Problem) -> Self {
        let temper_web::Problem { path, message, hint, line, column } = problem.clone();
        Self { path, message, hint, line, column, platform: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if let Some(platform) = &self.platform {
            write!(f, "{platform}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl Report {
    /// Gathers what is known of an error.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let links = links(error.as_ref());
        let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
        let mut hints: Vec<String> = links.iter().filter_map(|link| hint(*link)).collect();
        hints.dedup();
        let message = match links[0].to_string() {
            message if links.iter().any(|link| is_disk_full(*link)) => format!("the disk is full: {message}"),
            message => message,
        };
        let causes = causes(&message, &links[1..]);
        let problems = failure.map(|failure| failure.problems.clone()).unwrap_or_default();
        let hint = (!hints.is_empty()).then(|| hints.join("; "));
        Self { message, causes, hint, problems }
    }

    /// Takes apart what the reader of the command line prints.
    pub(super) fn of_usage(text: &str) -> Self {
        let paragraph: Vec<&str> = text.split("\n\n").next().unwrap_or_default().lines().collect();
        let message = paragraph.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
        let tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
        let tips: Vec<&str> = tips.collect();
        let help = "`--help` shows what there is".to_owned();
        let hint = Some(if tips.is_empty() { help } else { tips.join("; ") });
        Self { message, hint, ..Self::default() }
    }
}

/// The words of a report for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "    hint: {hint}")?;
            }
        }
        for cause in &self.causes {
            writeln!(f, "  caused by: {cause}")?;
        }
        match &self.hint {
            Some(hint) => writeln!(f, "hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Lists an error and its causes, also those inside of errors that readers and writers have passed on.
fn links<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut links = vec![error];
    let mut next = below(error);
    while let Some(link) = next {
        links.push(link);
        next = below(link);
    }
    links
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let passed_on = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match passed_on {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// Returns what the causes say, without what was said above them or says nothing.
fn causes(message: &str, links: &[&(dyn Error + 'static)]) -> Vec<String> {
    let mut said = vec![message.to_owned()];
    for link in links {
        let cause = link.to_string();
        if !EMPTY_CAUSES.contains(&cause.as_str()) && !said.iter().any(|above| above.contains(&cause)) {
            said.push(cause);
        }
    }
    said.split_off(1)
}

fn hint(link: &(dyn Error + 'static)) -> Option<String> {
    let failure = link.downcast_ref::<Failure>().and_then(|failure| failure.hint.clone());
    failure
        .or_else(|| link.downcast_ref::<ComposeError>()?.hint())
        .or_else(|| link.downcast_ref::<KeyError>()?.hint())
        .or_else(|| link.downcast_ref::<External>()?.hint.clone())
        .or_else(|| link.downcast_ref::<BlobError>()?.hint())
        .or_else(|| link.downcast_ref::<LayoutError>()?.hint())
        .or_else(|| link.downcast_ref::<RecordsError>()?.hint())
        .or_else(|| link.downcast_ref::<PortableError>()?.hint())
        .or_else(|| link.downcast_ref::<StorageError>()?.hint())
        .or_else(|| link.downcast_ref::<ArchiveError>()?.hint())
        .or_else(|| link.downcast_ref::<HttpError>()?.hint())
        .or_else(|| link.downcast_ref::<RegistryError>()?.hint())
}

fn is_disk_full(link: &(dyn Error + 'static)) -> bool {
    let kind = link.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        || link.downcast_ref::<RecordsError>().is_some_and(RecordsError::is_full)
}

#[cfg(test)]
mod tests;
