//! `temper doctor`: does this machine have what Temper needs?

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use temper_compose::{Archive, PackageSource};

use crate::cli::Global;
use crate::config::{self, Config};
use crate::printing;
use crate::workspace::Workspace;

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    is_good: bool,
    detail: String,
}

/// Looks at configuration, data folder, and the package archives.
pub(crate) fn run(global: &Global, runtime: &tokio::runtime::Handle) -> Result<ExitCode, anyhow::Error> {
    let mut checks = vec![configuration(global), data_folder(global)];
    if checks.iter().all(|check| check.is_good) {
        let workspace = Workspace::open(global, runtime)?;
        for (name, archive, suite) in [
            ("archive debian", "debian", "trixie"),
            ("archive debian-security", "debian-security", "trixie-security"),
        ] {
            checks.push(package_archive(&workspace, name, archive, suite));
        }
        workspace.progress.finish();
    }
    let is_good = checks.iter().all(|check| check.is_good);
    printing::print(global.json, &checks, || render(&checks))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn configuration(global: &Global) -> Check {
    let read = Config::read(global.config.as_deref());
    let detail = match &read {
        Ok(config) => {
            format!("{} mirrors, {} keyrings configured", config.mirrors.len(), config.keyrings.len())
        }
        Err(error) => format!("{error:#}"),
    };
    Check { name: "configuration", is_good: read.is_ok(), detail }
}

fn data_folder(global: &Global) -> Check {
    let name = "data folder";
    let folder = match config::data_dir(global.data_dir.as_deref()) {
        Ok(folder) => folder,
        Err(error) => return Check { name, is_good: false, detail: format!("{error:#}") },
    };
    match writable(&folder) {
        Ok(()) => Check { name, is_good: true, detail: folder.display().to_string() },
        Err(error) => Check { name, is_good: false, detail: format!("`{}`: {error}", folder.display()) },
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(".doctor");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn package_archive(workspace: &Workspace, name: &'static str, archive: &str, suite: &str) -> Check {
    let source = PackageSource {
        uri: format!("distribution:{archive}"),
        suite: suite.to_owned(),
        components: vec!["main".to_owned()],
        keyring: "debian-archive".to_owned(),
    };
    match workspace.archive.snapshot(&[source], "amd64") {
        Ok(_) => Check { name, is_good: true, detail: format!("`{suite}` is there, its signature is good") },
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
            let detail = format!("{:#}{hint}", anyhow::Error::new(error));
            Check { name, is_good: false, detail }
        }
    }
}

fn render(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = if check.is_good { "ok  " } else { "FAIL" };
        let _ = writeln!(text, "{mark}  {:24} {}", check.name, check.detail);
    }
    text
}
