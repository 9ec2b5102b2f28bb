//! Packages of the machine's own distribution, installed with its own apt-get.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::invocation::Invocation;

/// Where daemons and Go are that a user's `PATH` may lack.
const SYSTEM_FOLDERS: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/go/bin"];

/// Where each version of `PostgreSQL` has a folder.
const POSTGRES_FOLDER: &str = "/usr/lib/postgresql";

/// The path of an installed program.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .chain(postgres_folders())
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The folders with the programs of `PostgreSQL`, the newest version first.
fn postgres_folders() -> Vec<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir(POSTGRES_FOLDER)
        .into_iter()
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin")))
        .collect();
    versions.sort();
    versions.reverse();
    versions
}

/// Installs packages into the system; does nothing for an empty list.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if indexes_are_missing() {
        apt_get().arg("update").run()?;
    }
    let install = || {
        apt_get()
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(["--option", "Dpkg::Use-Pty=0", "--option", "DPkg::Lock::Timeout=120"])
            .args(packages)
            .run()
    };
    // Indexes that are there may be older than the archive, whose superseded packages are gone.
    if install().is_err() {
        apt_get().arg("update").run()?;
        install().with_context(|| {
            format!("these tests need the packages {}; install them and try again", packages.join(", "))
        })?;
    }
    Ok(())
}

fn apt_get() -> Invocation {
    Invocation::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C")
}

fn indexes_are_missing() -> bool {
    let Ok(entries) = fs::read_dir(Path::new("/var/lib/apt/lists")) else { return true };
    !entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}
