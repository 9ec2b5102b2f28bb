//! `temper doctor`: does this machine have what Temper needs?

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use temper_compose::{Archive, PackageSource};

use crate::cli::Global;
use crate::config::{self, Config};
use crate::failure::{self, Failure};
use crate::printing::{self, counted};
use crate::storage::StorageChoice;
use crate::workspace::{self, Workspace};

/// The release of Debian whose archives are asked for.
const RELEASE: &str = "trixie";

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: String,
    is_good: bool,
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

impl Check {
    fn of(name: impl Into<String>, result: Result<String, anyhow::Error>) -> Self {
        let name = name.into();
        match result {
            Ok(detail) => Self { name, is_good: true, detail, hint: None },
            Err(error) => {
                let (detail, hint) = (failure::sentence(&error), failure::hint(&error));
                Self { name, is_good: false, detail, hint }
            }
        }
    }
}

/// Looks at configuration, data folder, the object store if there is one, and the package archives.
pub(crate) fn run(global: &Global, runtime: &tokio::runtime::Handle) -> Result<ExitCode, anyhow::Error> {
    let config = Config::read(global.config.as_deref())?;
    let mut checks = vec![
        Check::of("configuration", Ok(configured(&config))),
        Check::of("data folder", data_folder(global)),
    ];
    if checks.iter().all(|check| check.is_good) {
        let workspace = Workspace::open(global, runtime)?;
        if let StorageChoice::Objects(location, _) = &workspace.storage {
            let probed = runtime.block_on(workspace.storage.probe());
            let detail = format!("`{location}` can be read and written");
            checks.push(Check::of("storage", probed.map(|()| detail)));
        }
        for source in PackageSource::debian(RELEASE) {
            let name = format!("archive {}", source.suite);
            checks.push(Check::of(name, package_archive(&workspace, source)));
        }
        workspace.progress.finish();
    }
    let is_good = checks.iter().all(|check| check.is_good);
    printing::print(global.json, &serde_json::json!({ "checks": checks }), || render(&checks))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn configured(config: &Config) -> String {
    let mirrors = counted(config.mirrors.len(), "mirror", "mirrors");
    format!("{mirrors}, {} configured", counted(config.keyrings.len(), "keyring", "keyrings"))
}

fn data_folder(global: &Global) -> Result<String, anyhow::Error> {
    let folder = config::data_dir(global.data_dir.as_deref())?;
    let shown = folder.display().to_string();
    writable(&folder)
        .with_context(|| format!("data folder `{shown}` cannot be used"))
        .map_err(|error| Failure::configuration(error).hint("name another one with `--data-dir DIR`"))?;
    Ok(shown)
}

fn writable(folder: &Path) -> std::io::Result<()> {
    workspace::make_folder(folder)?;
    let probe = folder.join(".doctor");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn package_archive(workspace: &Workspace, source: PackageSource) -> Result<String, anyhow::Error> {
    let detail = format!("`{}` is there, its signature is good", source.suite);
    workspace.archive.snapshot(&[source], "amd64")?;
    Ok(detail)
}

fn render(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = if check.is_good { "ok  " } else { "FAIL" };
        let _ = writeln!(text, "{mark}  {:24} {}", check.name, check.detail);
        if let Some(hint) = &check.hint {
            let _ = writeln!(text, "{:30} hint: {hint}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::writable;

    #[test]
    fn a_data_folder_that_is_made_is_its_owners_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("a/data");
        writable(&folder).expect("can be made");
        let mode = std::fs::metadata(&folder).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
