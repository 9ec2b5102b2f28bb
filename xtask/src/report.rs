//! Tables for the terminal and for Markdown pages, and today's date for their heads.

use anyhow::Result;

use crate::invocation::Invocation;

/// A table with one heading per column.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row; it has as many cells as the heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as Markdown, its columns aligned for readers of the source.
    pub(crate) fn markdown(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, &width) in row.iter().zip(&widths) {
                text.push_str("| ");
                text.push_str(cell);
                text.push_str(&" ".repeat(width - cell.chars().count() + 1));
            }
            text.push_str("|\n");
            if index == 0 {
                for &width in &widths {
                    text.extend(["| ", &"-".repeat(width), " "]);
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

/// Today in UTC, `2026-11-23`.
pub(crate) fn today() -> Result<String> {
    Ok(Invocation::new("date").args(["-u", "+%F"]).output()?.trim().to_owned())
}

/// The processor, its count and the kernel, for pages with measurements.
pub(crate) fn machine() -> Result<String> {
    let information = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = information.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |value| value.trim_start_matches([' ', '\t', ':']));
    let count = information.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = Invocation::new("uname").arg("-r").output()?;
    Ok(format!("{count} × {model}, Linux {}", kernel.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["set", "equal"]);
        table.row(vec!["curl jq".to_owned(), "yes".to_owned()]);
        let expected = "| set     | equal |\n| ------- | ----- |\n| curl jq | yes   |\n";
        assert_eq!(table.markdown(), expected);
    }
}
