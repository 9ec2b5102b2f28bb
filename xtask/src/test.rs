//! `cargo xtask test`: everything that a change must pass, from a machine that has only Rust and Go.

use anyhow::Result;

use crate::e2e;
use crate::tools::{self, TEST_TOOLS};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the end-to-end tests out
    #[arg(long)]
    no_e2e: bool,
    /// Arguments for `cargo test`
    #[arg(last = true)]
    cargo: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if !arguments.no_e2e {
        tools::require(workspace, TEST_TOOLS)?;
    }
    workspace.cargo().args(["test", "--workspace"]).args(&arguments.cargo).run()?;
    if arguments.no_e2e {
        return Ok(());
    }
    e2e::run(workspace, &e2e::Arguments::default())
}
