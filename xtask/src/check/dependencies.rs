//! Licences, advisories and duplicates of the dependencies, by cargo-deny with `deny.toml` where it is installed.

use anyhow::Result;

use crate::workspace::Workspace;

pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>> {
    let installed = workspace.cargo().args(["deny", "--version"]).capture()?.succeeded();
    if !installed {
        println!("cargo-deny is not installed: licences of dependencies are NOT checked");
        return Ok(Vec::new());
    }
    workspace.cargo().args(["deny", "check", "licenses", "bans", "sources"]).run()?;
    Ok(Vec::new())
}
