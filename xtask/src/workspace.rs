//! The folders of the repository, and what cargo says about its crates.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::invocation::Invocation;

/// Where the repository and its build results are.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the repository that this program was started from.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("the folder of xtask has no parent")?.to_owned();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for results that outlive one run: tools, package indexes, end-to-end logs.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Cargo in the repository's folder.
    pub(crate) fn cargo(&self) -> Invocation {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Invocation::new(cargo).directory(&self.root)
    }

    /// `cargo metadata` of the workspace's own crates.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let text = self.cargo().args(["metadata", "--no-deps", "--format-version=1"]).output()?;
        serde_json::from_str(&text).context("reading the output of cargo metadata")
    }

    /// The files that git tracks or would track, relative to the root, sorted.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let list = Invocation::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .directory(&self.root)
            .output()?;
        let mut files: Vec<PathBuf> =
            list.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }
}
