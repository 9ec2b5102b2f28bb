//! What rustfmt and clippy do not look at: headers, lengths, words, reasons, files that no module names.

mod exceptions;
mod hosts;
mod length;
mod orphan;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::check::tidy::exceptions::Exceptions;
use crate::check::tidy::hosts::Hosts;
use crate::workspace::Workspace;

/// Files whose content other programs write.
const WRITTEN_BY_PROGRAMS: &[&str] = &["Cargo.lock"];

/// Everything that is wrong, as `path:line: what`.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>> {
    let files = workspace.files()?;
    let mut exceptions = Exceptions::read(workspace)?;
    let hosts = Hosts::of_this_machine();
    let mut findings = Vec::new();
    for file in &files {
        let bytes =
            fs::read(workspace.root().join(file)).with_context(|| format!("reading {}", file.display()))?;
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        if !WRITTEN_BY_PROGRAMS.iter().any(|name| file.ends_with(name)) {
            findings.extend(hosts.findings(file, text));
        }
        if file.extension().is_some_and(|extension| extension == "rs") {
            findings.extend(source(file, text, &mut exceptions));
        }
    }
    let known: BTreeSet<PathBuf> = files.into_iter().collect();
    findings.extend(orphan::findings(workspace.root(), &known)?);
    findings.extend(exceptions.unused());
    Ok(findings)
}

fn source(file: &Path, text: &str, exceptions: &mut Exceptions) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(format!("{}:1: no `//!` sentence that says what the file holds", file.display()));
    }
    findings.extend(words::in_source(file, text));
    findings.extend(length::findings(file, text, exceptions));
    findings
}
