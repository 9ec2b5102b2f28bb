//! Programs that are published as Go modules, built beside the build results.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::invocation::Invocation;
use crate::tools::debian;
use crate::workspace::Workspace;

/// A Go module at one version.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    pub(crate) path: &'static str,
    pub(crate) version: &'static str,
    /// The hash of the module's files, as `go.sum` writes it.
    pub(crate) sum: &'static str,
    /// The folder of the program in the module, empty for its root.
    pub(crate) folder: &'static str,
}

/// The folder with the module's program, built if it is not there yet.
pub(crate) fn built(workspace: &Workspace, module: &Module) -> Result<PathBuf> {
    let Module { path, version, folder, .. } = module;
    let name = format!("{}@{version}", path.replace('/', "_"));
    let directory = workspace.scratch("tools").join(&name);
    if directory.is_dir() {
        return Ok(directory);
    }
    let go = go()?;
    download(&go, module)?;
    let half_done = directory.with_file_name(format!("{name}.building"));
    fs::create_dir_all(&half_done)?;
    let separator = if folder.is_empty() { "" } else { "/" };
    // The module's own list of sums covers what it depends on.
    Invocation::new(go)
        .arg("install")
        .arg(format!("{path}{separator}{folder}@{version}"))
        .env("GOBIN", &half_done)
        .env("GOFLAGS", "-mod=mod -buildvcs=false")
        .run()?;
    fs::rename(&half_done, &directory).context("putting the built program in place")?;
    Ok(directory)
}

/// The folder with a program of ours, `main`, over the library of a module; built again where its source has changed.
pub(crate) fn program(workspace: &Workspace, module: &Module, name: &str, source: &str) -> Result<PathBuf> {
    let directory = workspace.scratch("tools").join(format!("{name}@{}", module.version));
    let (main, program) = (directory.join("main.go"), directory.join("main"));
    if program.is_file() && fs::read_to_string(&main).is_ok_and(|text| text == source) {
        return Ok(directory);
    }
    let go = go()?;
    let files = download(&go, module)?;
    fs::create_dir_all(&directory)?;
    let Module { path, version: required, .. } = module;
    let go_version = fs::read_to_string(files.join("go.mod"))?;
    let go_version = go_version
        .lines()
        .find(|line| line.starts_with("go "))
        .context("a module without a version of Go")?;
    let requirement = format!("module {name}\n\n{go_version}\n\nrequire {path} {required}\n");
    fs::write(directory.join("go.mod"), requirement)?;
    // The module's own list of sums covers what it depends on.
    fs::copy(files.join("go.sum"), directory.join("go.sum")).context("copying the list of sums")?;
    fs::write(&main, source)?;
    let build = Invocation::new(go).args(["build", "-o", "main", "."]).directory(&directory);
    build.env("GOFLAGS", "-mod=mod -buildvcs=false").run()?;
    Ok(directory)
}

fn go() -> Result<PathBuf> {
    debian::program("go").context("some tests need Go 1.26 or newer in the PATH")
}

/// Downloads a module, compares its files with the known hash, and returns their folder.
fn download(go: &Path, module: &Module) -> Result<PathBuf> {
    let Module { path, version, sum, .. } = module;
    let at_version = format!("{path}@{version}");
    let downloaded = Invocation::new(go).args(["mod", "download", "-json", &at_version]).output()?;
    let downloaded: Value = serde_json::from_str(&downloaded).context("reading what go downloaded")?;
    ensure!(
        downloaded["Sum"] == *sum,
        "the files of {at_version} have the sum {}, expected {sum}",
        downloaded["Sum"]
    );
    Ok(downloaded["Dir"].as_str().context("go names no folder")?.into())
}
