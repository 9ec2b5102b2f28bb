//! The numbers of the servers, as a table in docs/benchmarks.md.

use anyhow::Result;

use super::{CLIENTS, LARGE_BLOB_BYTES, MANIFESTS, SMALL_BLOB_BYTES, TAGS};
use crate::bench::page::write_section;
use crate::report::Table;
use crate::workspace::Workspace;

/// What one run of one server measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) push_mib_per_second: f64,
    pub(crate) push_cpu_seconds: f64,
    pub(crate) pull_mib_per_second: f64,
    pub(crate) pull_cpu_seconds: f64,
    pub(crate) manifests_per_second: f64,
    pub(crate) tag_list_milliseconds: f64,
    pub(crate) small_blobs_peak_kib: u64,
    pub(crate) large_blobs_peak_kib: u64,
    /// After everything.
    pub(crate) peak_kib: u64,
}

/// All runs of one server.
pub(crate) struct Row {
    name: &'static str,
    pub(crate) runs: Vec<Run>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, runs: Vec::new() }
    }

    fn cells(&self) -> Vec<String> {
        let median = |value: fn(&Run) -> f64| median(self.runs.iter().map(value).collect());
        let mebibytes = |value: fn(&Run) -> u64| {
            median_of(self.runs.iter().map(value).collect()).map_or(0, |kibibytes| kibibytes >> 10)
        };
        vec![
            self.name.to_owned(),
            format!("{:.0} MiB/s", median(|run| run.push_mib_per_second)),
            format!("{:.1} s", median(|run| run.push_cpu_seconds)),
            format!("{:.0} MiB/s", median(|run| run.pull_mib_per_second)),
            format!("{:.1} s", median(|run| run.pull_cpu_seconds)),
            format!("{:.0}/s", median(|run| run.manifests_per_second)),
            format!("{:.1} ms", median(|run| run.tag_list_milliseconds)),
            format!("{} MiB", mebibytes(|run| run.small_blobs_peak_kib)),
            format!("{} MiB", mebibytes(|run| run.large_blobs_peak_kib)),
            format!("{} MiB", mebibytes(|run| run.peak_kib)),
        ]
    }
}

/// The rows as Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let (small, large) = (
        format!("memory, {} MiB blobs", SMALL_BLOB_BYTES >> 20),
        format!("{} MiB blobs", LARGE_BLOB_BYTES >> 20),
    );
    let mut table = Table::new(&[
        "",
        "push",
        "CPU",
        "pull",
        "CPU",
        "manifests",
        "tag list",
        &small,
        &large,
        "everything",
    ]);
    for row in rows {
        table.row(row.cells());
    }
    table.markdown()
}

/// Writes the section of the page.
pub(crate) fn write(workspace: &Workspace, table: &str, runs: usize) -> Result<()> {
    let introduction = format!(
        "{CLIENTS} clients push and pull a blob of {} MiB each, all at once, then {MANIFESTS} small manifests; one \
         client reads a list of {TAGS} tags. Each server runs on one processor and the clients on another, over \
         folders on the same disk; the servers take turns. *CPU* is the server's user and system time for all \
         {CLIENTS} blobs, *memory* its largest resident size. Temper has every acknowledged blob and manifest synced \
         to the disk. Median of {runs} runs. Written by \
         `cargo xtask bench registry`.",
        LARGE_BLOB_BYTES >> 20
    );
    write_section(workspace, "The embedded registry", &introduction, table)
}

fn median(values: Vec<f64>) -> f64 {
    let mut values = values;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn median_of(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
