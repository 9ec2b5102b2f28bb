//! The `temper` program as the tests, the oracle and the benchmarks start it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// A built program.
pub(crate) struct Temper {
    binary: PathBuf,
}

impl Temper {
    /// Builds with the dev profile; `--workspace` gives the dependencies the features that the tests built them with.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        workspace.cargo().args(["build", "--quiet", "--workspace", "--bin", "temper"]).run()?;
        Ok(Self { binary: workspace.target().join("debug/temper") })
    }

    /// Builds as a user does, for measurements.
    pub(crate) fn build_release(workspace: &Workspace) -> Result<Self> {
        workspace.cargo().args(["build", "--quiet", "--release", "--package", "temper"]).run()?;
        Ok(Self { binary: workspace.target().join("release/temper") })
    }

    /// A program that was built before.
    pub(crate) fn at(binary: PathBuf) -> Self {
        Self { binary }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn command(&self) -> Invocation {
        Invocation::new(&self.binary)
    }
}
