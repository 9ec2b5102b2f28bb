//! The table, for the terminal and as docs/benchmarks.md.

use std::fs;

use anyhow::{Context, Result};

use crate::bench::compose::customization::PACKAGES;
use crate::bench::measure::Sample;
use crate::report::{Table, machine, today};
use crate::workspace::Workspace;

const PAGE: &str = "docs/benchmarks.md";

/// One measured way to the image.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) sample: Sample,
}

impl Row {
    pub(crate) fn line(&self) -> String {
        self.cells().join("  ")
    }

    fn cells(&self) -> Vec<String> {
        let Sample { wall_seconds, cpu_seconds, peak_kib, written_bytes, pushed_bytes } = &self.sample;
        vec![
            self.name.to_owned(),
            format!("{wall_seconds:.2} s"),
            format!("{cpu_seconds:.2} s"),
            format!("{} MiB", peak_kib >> 10),
            megabytes(*written_bytes),
            megabytes(*pushed_bytes),
        ]
    }
}

/// The rows as Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table =
        Table::new(&["", "wall", "CPU", "peak memory", "written to disk", "sent to the registry"]);
    for row in rows {
        table.row(row.cells());
    }
    table.markdown()
}

/// Writes the page.
pub(crate) fn write(workspace: &Workspace, table: &str, runs: usize) -> Result<()> {
    let text = format!(
        "# Benchmarks\n\n## A customized image\n\n\
         The quickstart's customization ({}, a private CA, a script, a user, environment, labels) over the catalog's \
         Python development image for linux/amd64, pushed to the same registry (Debian's docker-registry), which holds \
         the base. Both sides have the base and the package files on disk, and both are measured in a network namespace \
         without any way out. *Layers unknown*: nothing of the customization was ever built. *Layers known*: the same \
         once more. *Base patched*: the base has one more layer, everything else is known. Median of {runs} runs; CPU \
         is user and system time of all processes; memory is that of the largest process. Written by \
         `cargo xtask bench compose`.\n\n\
         {}, {}.\n\n{table}",
        PACKAGES.join(", "),
        today()?,
        machine()?
    );
    fs::write(workspace.root().join(PAGE), text).with_context(|| format!("writing {PAGE}"))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
