//! `cargo xtask generate`: the pages under docs/reference, written by the program they describe.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::temper::Temper;
use crate::workspace::Workspace;

/// The folder of the generated files, below the repository's root.
pub(crate) const REFERENCE: &str = "docs/reference";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let directory = workspace.root().join(REFERENCE);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    write(workspace, &directory)
}

/// Writes every generated file below `directory`.
pub(crate) fn write(workspace: &Workspace, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let temper = Temper::build(workspace)?;
    temper.command().arg("reference").arg(directory).output().context("generating the reference pages")?;
    Ok(())
}

/// The generated files that differ from what would be written now, relative to the reference folder, sorted.
pub(crate) fn stale(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let fresh = workspace.scratch("reference");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    write(workspace, &fresh)?;
    let committed = workspace.root().join(REFERENCE);
    let mut names = files_below(&fresh)?;
    names.extend(files_below(&committed)?);
    names.sort();
    names.dedup();
    names.retain(|name| fs::read(fresh.join(name)).ok() != fs::read(committed.join(name)).ok());
    Ok(names)
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(directory.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(name);
            } else {
                files.push(name);
            }
        }
    }
    Ok(files)
}
