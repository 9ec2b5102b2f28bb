//! Results on standard output: one JSON object with `--json`, text else.

use std::io::{self, Write};

use serde::Serialize;

/// Prints a result; a reader that has gone away ends nothing.
pub(crate) fn print(
    json: bool,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), anyhow::Error> {
    let rendered = if json { serde_json::to_string_pretty(value)? + "\n" } else { text() };
    print_text(&rendered)
}

/// Writes a number with its noun: `1 file`, `2 files`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Prints text as it is.
pub(crate) fn print_text(text: &str) -> Result<(), anyhow::Error> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
