//! `temper serve`: the registry over the data folder.

use std::process::ExitCode;

use crate::cli;
use crate::embedded;
use crate::printing;
use crate::workspace::Workspace;

/// Serves until Ctrl-C.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Serve,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let listener = embedded::listen(&workspace.runtime, options.listen.listen)?;
    let address = listener.local_addr()?;
    let registry = embedded::open(workspace, Some(address))?;
    workspace.progress.finish();
    let shown = serde_json::json!({ "address": address.to_string() });
    printing::print(json, &shown, || {
        format!("serving {} on http://{address}\n", workspace.folder.display())
    })?;
    embedded::serve(&workspace.runtime, listener, registry)?;
    Ok(ExitCode::SUCCESS)
}
