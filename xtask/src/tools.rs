//! `cargo xtask tools`: the programs that tests use, installed where they are missing.

mod catalog;
pub(crate) mod debian;
mod go;
mod pool;
mod python;

use std::path::PathBuf;

use anyhow::{Result, bail};

pub(crate) use crate::tools::catalog::TEST_TOOLS;
use crate::tools::catalog::{Source, TOOLS, Tool};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Programs to install [default: those of `cargo xtask test`]
    names: Vec<String>,
    /// List the known programs
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for tool in TOOLS {
            println!("{:<20} {}", tool.program, tool.purpose);
        }
        return Ok(());
    }
    let names: Vec<&str> = match arguments.names.as_slice() {
        [] => TEST_TOOLS.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    for (name, path) in names.iter().zip(require(workspace, &names)?) {
        println!("{name}: {}", path.display());
    }
    Ok(())
}

/// The paths of the named programs, in order; what is missing is installed first.
pub(crate) fn require(workspace: &Workspace, names: &[&str]) -> Result<Vec<PathBuf>> {
    let tools = names.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
    let packages: Vec<&str> = tools
        .iter()
        .filter_map(|tool| match tool.source {
            Source::System { package } if debian::program(tool.program).is_none() => Some(package),
            _ => None,
        })
        .collect();
    debian::install(&packages)?;
    tools.iter().map(|tool| locate(workspace, tool)).collect()
}

fn find(name: &str) -> Result<&'static Tool> {
    match TOOLS.iter().find(|tool| tool.program == name) {
        Some(tool) => Ok(tool),
        None => bail!("`{name}` is no known tool; `cargo xtask tools --list` shows them"),
    }
}

fn locate(workspace: &Workspace, tool: &Tool) -> Result<PathBuf> {
    match tool.source {
        Source::System { package } => match debian::program(tool.program) {
            Some(path) => Ok(path),
            None => bail!("package `{package}` is installed but brings no program `{}`", tool.program),
        },
        Source::Pool { package, suite, path } => {
            pool::unpacked(workspace, package, suite).map(|directory| directory.join(path))
        }
        Source::Go { module, program } => go::built(workspace, &module).map(|folder| folder.join(program)),
        Source::GoProgram { module, source } => {
            go::program(workspace, &module, tool.program, source).map(|folder| folder.join("main"))
        }
        Source::Python { environment, program } => {
            python::installed(workspace, &environment).map(|folder| folder.join(program))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_tool_is_known() {
        for name in TEST_TOOLS {
            assert!(find(name).is_ok(), "{name}");
        }
    }
}
