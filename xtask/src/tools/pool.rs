//! Programs of another Debian suite, unpacked beside the build results without touching the system.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::apt::Apt;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// The folder that holds the files of a package, downloaded and unpacked if it is not there yet.
pub(crate) fn unpacked(workspace: &Workspace, package: &str, suite: &str) -> Result<PathBuf> {
    let directory = workspace.scratch("tools").join(format!("{package}-{suite}"));
    if directory.is_dir() {
        return Ok(directory);
    }
    let architecture = Invocation::new("dpkg").arg("--print-architecture").output()?;
    let apt = Apt::open(workspace, suite, architecture.trim())?;
    let downloads = workspace.scratch("tools").join(format!("{package}-{suite}.download"));
    if downloads.exists() {
        fs::remove_dir_all(&downloads)?;
    }
    apt.download(&[package], &downloads)?;
    let archive = fs::read_dir(&downloads)?.next().context("apt-get downloaded nothing")??.path();
    let half_done = workspace.scratch("tools").join(format!("{package}-{suite}.unpacking"));
    Invocation::new("dpkg-deb").arg("--extract").arg(archive).arg(&half_done).output()?;
    fs::rename(&half_done, &directory).context("putting the unpacked package in place")?;
    fs::remove_dir_all(&downloads)?;
    Ok(directory)
}
