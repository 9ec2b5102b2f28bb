//! `temper verify`: who signed an image, and is it what its attestations say?

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;
use temper_compose::verify::{Policy, Report, Subject, Verifier};

use crate::cli;
use crate::inputs::Places;
use crate::printing::{self, counted};
use crate::workspace::Workspace;
use crate::{locate, trust};

/// Verifies an image and prints what was proved, what failed, and what was not checked.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Verify,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let policy = Policy::complete(trust::keys(workspace, &options.trust)?);
    let image = locate::source(workspace, &options.image)?;
    let inputs = Places::of(workspace, &options.image, &options.inputs, false)?;
    let verifier = Verifier { policy: &policy, inputs: &inputs, archive: Some(&*workspace.archive) };
    let (repository, tag) = locate::name(&options.image)?;
    let repository = options.repository.as_ref().or(repository.as_ref()).map(String::as_str);
    let report = verifier.verify(&Subject { image: &*image, repository, tag: tag.as_deref() })?;
    workspace.progress.finish();
    let Report { reference, digest, proved, failed, not_checked } = &report;
    let shown = json!({
        "reference": reference,
        "digest": digest,
        "verified": report.is_verified(),
        "proved": proved,
        "failed": failed,
        "not_checked": not_checked,
    });
    printing::print(json, &shown, || render(&report))?;
    Ok(if report.is_verified() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(report: &Report) -> String {
    let Report { reference, digest, proved, failed, not_checked } = report;
    let mut text = if failed.is_empty() {
        format!("`{reference}` is verified\n  digest  {digest}\n")
    } else {
        let failures = counted(failed.len(), "failure", "failures");
        format!("`{reference}` is not verified, it has {failures}\n  digest  {digest}\n")
    };
    section(&mut text, "failed", failed.iter().map(|failed| format!("{}: {}", failed.at, failed.message)));
    section(&mut text, "proved", proved.iter().cloned());
    section(&mut text, "not checked", not_checked.iter().map(|line| format!("{}: {}", line.what, line.why)));
    if failed.iter().any(|failed| failed.at.ends_with("target.destination")) {
        text.push_str("hint: an image that was copied from there is verified with `--repository NAME`\n");
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(text, "{title}");
    }
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
