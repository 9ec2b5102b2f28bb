//! `temper login` and `temper logout`.

use std::process::ExitCode;

use anyhow::anyhow;
use secrecy::{ExposeSecret as _, SecretString};
use temper_web::{Credentials, Session, User};
use tokio::runtime::Handle;

use crate::cli::{self, Global};
use crate::client::{Client, Login, Logins, server_url};
use crate::failure::Failure;
use crate::{asking, printing};

/// How access tokens begin.
const TOKEN_PREFIX: &str = "temper_";

/// Logs in, and keeps the session or the access token.
pub(crate) fn log_in(
    global: &Global,
    options: &cli::LogIn,
    runtime: &Handle,
) -> Result<ExitCode, anyhow::Error> {
    let logins = Logins::read()?;
    let named = options.server.as_deref().map(server_url).transpose()?;
    let server = named.or_else(|| logins.current()).ok_or_else(|| {
        Failure::usage(anyhow!("no server is named")).hint("`temper login https://temper.example.org`")
    })?;
    if options.password_stdin && options.user.is_none() {
        let error = anyhow!("`--password-stdin` needs the name of the user");
        return Err(Failure::usage(error).hint("name it with `--user NAME`").into());
    }
    let user = match &options.user {
        Some(user) => user.clone(),
        None => asking::text("User: ")?,
    };
    let password = asking::password("Password: ")?;
    let login = if password.expose_secret().starts_with(TOKEN_PREFIX) {
        by_token(global, &server, user, password, runtime)?
    } else {
        let client = Client::new(global, server.clone(), None, runtime)?;
        let session: Session = client.post(&["sessions"], &Credentials { user, password })?;
        Login { user: session.user, token: session.token }
    };
    let user = login.user.clone();
    let file = logins.keep(&server, login)?;
    let shown = serde_json::json!({ "server": server.as_str(), "user": user, "file": file });
    printing::print(global.json, &shown, || format!("logged in to {server} as {user}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps an access token, once the server has taken it. One of an organization is nobody's own.
fn by_token(
    global: &Global,
    server: &reqwest::Url,
    user: String,
    token: SecretString,
    runtime: &Handle,
) -> Result<Login, anyhow::Error> {
    let client = Client::new(global, server.clone(), Some(token.clone()), runtime)?;
    let organizations: Vec<temper_web::Organization> = client.list(&["organizations"], &[], None)?;
    let is_organization = organizations.iter().any(|organization| organization.name == user);
    if !is_organization {
        let found: User = client.get(&["user"])?;
        if found.name != user {
            return Err(Failure::failed(anyhow!("the access token is not one of `{user}`")).into());
        }
    }
    Ok(Login { user, token })
}

/// Ends the session, and forgets it.
pub(crate) fn log_out(
    global: &Global,
    options: &cli::LogOut,
    runtime: &Handle,
) -> Result<ExitCode, anyhow::Error> {
    let logins = Logins::read()?;
    let named = options.server.as_deref().map(server_url).transpose()?;
    let known = named.or_else(|| logins.current());
    let Some((server, login)) = known.and_then(|server| {
        let login = logins.find(&server)?.clone();
        Some((server, login))
    }) else {
        return Err(Failure::usage(anyhow!("nobody is logged in")).into());
    };
    let client = Client::new(global, server.clone(), Some(login.token), runtime)?;
    let ended = client.delete(&["sessions", "current"], &[]);
    // What the server does not know any more, or cannot be told, is forgotten here nevertheless.
    logins.forget(&server)?;
    if let Err(error) = ended {
        tracing::warn!(error = format!("{error:#}"), "the server could not be told");
    }
    let shown = serde_json::json!({ "server": server.as_str(), "user": login.user });
    printing::print(global.json, &shown, || format!("logged out of {server}\n"))?;
    Ok(ExitCode::SUCCESS)
}
