//! zot, where the machine has it: it comes neither as a package of the distribution nor as a Go module.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::invocation::Invocation;

/// The command that serves the folder `directory` at `address`.
pub(crate) fn command(program: &Path, directory: &Path, address: SocketAddr) -> Result<Invocation> {
    fs::create_dir_all(directory)?;
    let configuration = directory.join("zot.json");
    let text = json!({
        "distSpecVersion": "1.1.1",
        "storage": { "rootDirectory": directory.join("blobs") },
        "http": { "address": address.ip().to_string(), "port": address.port().to_string() },
        "log": { "level": "error" },
    });
    fs::write(&configuration, text.to_string())?;
    Ok(Invocation::new(program).arg("serve").arg(configuration))
}
