//! `temper serve`: the registry over the data folder.

use std::process::ExitCode;

use secrecy::ExposeSecret as _;
use temper_hub::FIRST_USER;

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
    let settings = Settings { reset_admin: options.reset_admin, ..settings };
    if settings.anonymous && !options.listen.listen.ip().is_loopback() {
        tracing::warn!("everybody who reaches this server pulls from it: it is `--anonymous`");
    }
    let server = Server::open(workspace, options.listen.listen, &settings)?;
    workspace.progress.finish();
    let (address, url) = (server.address().to_string(), server.url());
    let password = server.admin_password().map(|password| password.expose_secret().to_owned());
    let mut shown = serde_json::json!({ "address": address, "url": url });
    if let Some(password) = &password {
        shown["admin_password"] = password.as_str().into();
    }
    printing::print(json, &shown, || {
        let listening =
            if url.ends_with(&address) { String::new() } else { format!(", listening on {address}") };
        let first = password.as_ref().map_or(String::new(), |password| first_start(&url, password));
        format!("serving {} on {url}{listening}\n{first}", workspace.folder.display())
    })?;
    drop(password);
    server.serve(workspace, &options.operation)?;
    Ok(ExitCode::SUCCESS)
}

/// Tells the password that this start made.
fn first_start(url: &str, password: &str) -> String {
    format!(
        "\nThe user `{FIRST_USER}` has a new password.\n\n  password  {password}\n\n\
         It is shown this once. Log in with\n  temper login {url} --user {FIRST_USER}\n"
    )
}
