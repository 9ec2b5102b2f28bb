//! The table, for the terminal and as docs/benchmarks.md.

use anyhow::Result;

use crate::bench::compose::customization::PACKAGES;
use crate::bench::measure::Sample;
use crate::bench::page::write_section;
use crate::report::Table;
use crate::workspace::Workspace;

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

/// Writes the section of the page.
pub(crate) fn write(workspace: &Workspace, table: &str, runs: usize) -> Result<()> {
    let introduction = format!(
        "The quickstart's customization ({}, a private CA, a script, a user, environment, labels) over the catalog's \
         Python development image for linux/amd64, pushed to the same registry (Debian's docker-registry), which holds \
         the base. Both sides have the base and the package files on disk, and both are measured in a network namespace \
         without any way out. *Layers unknown*: nothing of the customization was ever built. *Layers known*: the same \
         once more. *Base patched*: the base has one more layer, everything else is known. Median of {runs} runs; CPU \
         is user and system time of all processes; memory is that of the largest process. Written by \
         `cargo xtask bench compose`.",
        PACKAGES.join(", ")
    );
    write_section(workspace, "A customized image", &introduction, table)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
