//! What is asked of the person at the terminal: passwords, and whether something may be deleted.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use anyhow::{Context, anyhow};
use secrecy::SecretString;

use crate::failure::Failure;

/// Longest line that is taken for a password, in bytes.
const LINE_BYTES_MAX: u64 = 1026;

/// Asks for a password that exists; it stands on the next line of standard input where that is no terminal.
pub(crate) fn password(prompt: &str) -> Result<SecretString, anyhow::Error> {
    if io::stdin().is_terminal() { typed(prompt) } else { line() }
}

/// Asks for a password that is to be, which is typed twice.
pub(crate) fn new_password(prompt: &str) -> Result<SecretString, anyhow::Error> {
    use secrecy::ExposeSecret as _;
    if !io::stdin().is_terminal() {
        return line();
    }
    let password = typed(prompt)?;
    if typed("Again: ")?.expose_secret() != password.expose_secret() {
        return Err(Failure::usage(anyhow!("the two passwords differ")).into());
    }
    Ok(password)
}

/// Asks for a text.
pub(crate) fn text(prompt: &str) -> Result<String, anyhow::Error> {
    if io::stdin().is_terminal() {
        let mut output = io::stderr().lock();
        output.write_all(prompt.as_bytes())?;
        output.flush()?;
    }
    read_line()
}

/// Asks whether to go on with what cannot be undone; where nobody can answer, `--force` is needed.
pub(crate) fn confirm(what: &str, force: bool) -> Result<(), anyhow::Error> {
    if force {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(anyhow!("{what} asks, and nobody is here to answer"))
            .hint("`--force` does not ask")
            .into());
    }
    let answer = text(&format!("{what}: are you sure? [y/N] "))?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::usage(anyhow!("nothing was done")).into())
}

fn typed(prompt: &str) -> Result<SecretString, anyhow::Error> {
    let typed = rpassword::prompt_password(prompt).context("the terminal cannot be read")?;
    Ok(typed.into())
}

fn line() -> Result<SecretString, anyhow::Error> {
    read_line().map(SecretString::from)
}

fn read_line() -> Result<String, anyhow::Error> {
    let mut line = String::new();
    let mut input = io::stdin().lock().take(LINE_BYTES_MAX);
    input.read_line(&mut line).context("standard input cannot be read")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
