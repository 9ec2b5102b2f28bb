//! `temper account`: hashes and tokens for an accounts file.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use temper_registry::{AccessSecret, PasswordHash};

use crate::cli;
use crate::failure::Failure;
use crate::printing;
use crate::server::accounts;

/// Longest password in bytes that a client can send.
const PASSWORD_BYTES_MAX: u64 = 1024;

/// Prints the hash of a password that is typed, or that stands on the first line of standard input.
pub(crate) fn hash(json: bool) -> Result<ExitCode, anyhow::Error> {
    let password = if io::stdin().is_terminal() { typed()? } else { first_line()? };
    if password.is_empty()
        || password.len() as u64 > PASSWORD_BYTES_MAX
        || password.contains(char::is_control)
    {
        let message = format!("a password has 1 to {PASSWORD_BYTES_MAX} bytes and no control characters");
        return Err(Failure::usage(anyhow!(message)).into());
    }
    let hash = PasswordHash::of(&password.into());
    let shown = serde_json::json!({ "password": hash.as_str() });
    printing::print(json, &shown, || format!("{}\n", hash.as_str()))?;
    Ok(ExitCode::SUCCESS)
}

/// Makes an access token, and prints it with what the accounts file keeps of it.
pub(crate) fn token(json: bool) -> Result<ExitCode, anyhow::Error> {
    let secret = AccessSecret::generate()?;
    let digest = secret.digest().to_string();
    let shown = serde_json::json!({ "token": secret.expose(), "digest": digest });
    printing::print(json, &shown, || {
        format!(
            "token   {}\ndigest  {digest}\n\nThe token is shown this once; the accounts file takes the digest.\n",
            secret.expose()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Reads an accounts file and reports every problem.
pub(crate) fn check(options: &cli::AccountCheck, json: bool) -> Result<ExitCode, anyhow::Error> {
    let (_, accounts) = accounts::read(&options.file, Failure::usage, Failure::failed)?;
    let (users, repositories) = (accounts.users.len(), accounts.repositories.len());
    let shown = serde_json::json!({ "users": users, "repositories": repositories });
    printing::print(json, &shown, || {
        format!(
            "`{}` is good: {users} users, {repositories} entries for repositories\n",
            options.file.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn typed() -> Result<String, anyhow::Error> {
    let ask = |prompt: &str| rpassword::prompt_password(prompt).context("the terminal cannot be read");
    let password = ask("Password: ")?;
    if ask("Again: ")? != password {
        return Err(Failure::usage(anyhow!("the two passwords differ")).into());
    }
    Ok(password)
}

fn first_line() -> Result<String, anyhow::Error> {
    let mut line = String::new();
    let mut input = io::stdin().lock().take(PASSWORD_BYTES_MAX + 2);
    input.read_line(&mut line).context("standard input cannot be read")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
