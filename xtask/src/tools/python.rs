//! Programs that are published as Python packages, installed into an environment of their own beside the build results.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::invocation::Invocation;
use crate::tools::debian;
use crate::workspace::Workspace;

/// Python packages at one version each, which are installed together.
#[derive(Clone, Copy)]
pub(crate) struct Environment {
    pub(crate) name: &'static str,
    /// As pip reads them, `name==version`.
    pub(crate) packages: &'static [&'static str],
}

/// The folder with the programs of an environment, made if it is not there yet.
pub(crate) fn installed(workspace: &Workspace, environment: &Environment) -> Result<PathBuf> {
    let Environment { name, packages } = environment;
    let directory = workspace.scratch("tools").join(format!("python-{name}"));
    let (programs, list) = (directory.join("bin"), directory.join("packages"));
    let wanted = packages.join("\n");
    // Programs know the folder they stand in, so it is made in place, and the list says that it is complete.
    if fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
        return Ok(programs);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    if !Invocation::new("python3").args(["-c", "import ensurepip"]).capture()?.succeeded() {
        debian::install(&["python3-venv"])?;
    }
    Invocation::new("python3").args(["-m", "venv"]).arg(&directory).run()?;
    let install = ["install", "--quiet", "--disable-pip-version-check", "--no-input"];
    Invocation::new(programs.join("pip")).args(install).args(*packages).run()?;
    fs::write(&list, wanted).context("noting what was installed")?;
    Ok(programs)
}
