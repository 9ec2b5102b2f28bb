//! `cargo xtask bench`: measurements side by side with the programs people use today.

mod compose;
mod hub;
mod measure;
mod page;
mod registry;
mod relay;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// A customized image: Temper beside buildah, without network; writes docs/benchmarks.md
    Compose(compose::Arguments),
    /// The embedded registry beside docker-registry and its successor; writes docs/benchmarks.md
    Registry(registry::Arguments),
    /// A thousand customizations over ten bases, of which one moves; writes docs/benchmarks.md
    Hub(hub::Arguments),
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    match &arguments.benchmark {
        Benchmark::Compose(arguments) => compose::run(workspace, arguments),
        Benchmark::Registry(arguments) => registry::run(workspace, arguments),
        Benchmark::Hub(arguments) => hub::run(workspace, arguments),
    }
}
