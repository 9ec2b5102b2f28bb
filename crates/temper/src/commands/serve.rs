//! `temper serve`: the registry over the data folder.

use std::process::ExitCode;

use crate::cli;
use crate::printing;
use crate::server::{Server, Settings};
use crate::workspace::Workspace;

/// Serves until Ctrl-C.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Serve,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let settings = Settings::new(&options.front, &workspace.server)?;
    if settings.accounts.is_none() && !options.listen.listen.ip().is_loopback() {
        tracing::warn!("everybody who reaches this server pulls from it: there is no `--accounts`");
    }
    let server = Server::open(workspace, options.listen.listen, &settings)?;
    workspace.progress.finish();
    let (address, url) = (server.address().to_string(), server.url());
    let shown = serde_json::json!({ "address": address, "url": url });
    printing::print(json, &shown, || {
        let listening =
            if url.ends_with(&address) { String::new() } else { format!(", listening on {address}") };
        format!("serving {} on {url}{listening}\n", workspace.folder.display())
    })?;
    server.serve(workspace)?;
    Ok(ExitCode::SUCCESS)
}
