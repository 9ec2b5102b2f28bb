//! Databases for tests: a file each, or a schema each of a `PostgreSQL` server.
//!
//! Plain `cargo test` uses `SQLite`. Where [`SERVER_VARIABLE`] names a server, the same tests use that one:
//! `cargo xtask test` runs them both ways.

#![expect(clippy::disallowed_types, reason = "tests start programs; Temper itself never does")]

use std::path::Path;
use std::process::Command;

/// The variable with the address of a `PostgreSQL` server for tests, one with parameters:
/// `postgres:///postgres?host=/tmp/socket&user=temper`.
pub const SERVER_VARIABLE: &str = "TEMPER_TEST_POSTGRES";

/// Returns the address of the database that belongs to a folder of the test; it is made where it is not there.
pub fn url(folder: &Path) -> String {
    let Ok(server) = std::env::var(SERVER_VARIABLE) else {
        return format!("sqlite:{}", folder.join("records.db").display());
    };
    let name = folder.file_name().expect("the folder has a name").as_encoded_bytes();
    // Names keep no difference of case.
    let name = name.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    run(&server, &format!("CREATE SCHEMA IF NOT EXISTS test_{name}"));
    format!("{server}&options=-csearch_path%3Dtest_{name}")
}

fn run(server: &str, statement: &str) {
    let output =
        Command::new("psql").args([server, "--no-psqlrc", "--quiet", "--command", statement]).output();
    let output = output.expect("psql starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{statement}`: {said}");
}
