//! `temper key`: the keys that sign images.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Error, anyhow};
use serde_json::{Value, json};

use crate::cli;
use crate::failure::Failure;
use crate::keys::{self, Home, Key};
use crate::printing;
use crate::workspace::Workspace;

/// Lists the keys.
pub(crate) fn list(workspace: &Workspace, json: bool) -> Result<ExitCode, Error> {
    let keys = workspace.keys.keys()?;
    workspace.progress.finish();
    let latest = keys.last().map(|key| key.number);
    let shown: Vec<Value> = keys.iter().map(|key| key_json(key, latest)).collect();
    printing::print(json, &json!({ "keys": shown }), || list_text(&keys))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints one public key.
pub(crate) fn show(workspace: &Workspace, options: &cli::KeyShow, json: bool) -> Result<ExitCode, Error> {
    let latest = workspace.keys.latest()?;
    let key = match options.number {
        None => latest.clone(),
        Some(number) => workspace.keys.find(number)?,
    };
    let key = key.ok_or_else(|| missing(options.number))?;
    workspace.progress.finish();
    let shown = key_json(&key, latest.map(|latest| latest.number));
    printing::print(json, &shown, || key.public.to_pem())?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the first key.
pub(crate) fn create(workspace: &Workspace, json: bool) -> Result<ExitCode, Error> {
    if let Some(latest) = workspace.keys.latest()? {
        let error = anyhow!("there is a key already, number {}", latest.number);
        return Err(Failure::failed(error).hint("`temper key rotate` makes another one").into());
    }
    told(workspace, &workspace.keys.latest_or_first()?, json)
}

/// Makes a key that signs from now on.
pub(crate) fn rotate(workspace: &Workspace, json: bool) -> Result<ExitCode, Error> {
    told(workspace, &workspace.keys.rotate()?, json)
}

/// Takes over a key that was made elsewhere.
pub(crate) fn import(workspace: &Workspace, options: &cli::KeyImport, json: bool) -> Result<ExitCode, Error> {
    told(workspace, &keys::import(workspace, &options.key)?, json)
}

/// Tells of a new key, once it has shown that it can sign.
fn told(workspace: &Workspace, key: &Key, json: bool) -> Result<ExitCode, Error> {
    key.public.verify(b"", &keys::signer(workspace, None)?.sign(b"")?)?;
    workspace.progress.finish();
    printing::print(json, &key_json(key, Some(key.number)), || {
        format!("key {} signs from now on\n  id  {}\n", key.number, key.id())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn missing(number: Option<u32>) -> Failure {
    match number {
        None => {
            Failure::failed(anyhow!("there is no key yet")).hint("`temper key create` makes the first one")
        }
        Some(number) => {
            Failure::failed(anyhow!("there is no key {number}")).hint("`temper key list` shows them")
        }
    }
}

fn key_json(key: &Key, latest: Option<u32>) -> Value {
    json!({
        "number": key.number,
        "id": key.id(),
        "kept_in": kept_in(key.home),
        "is_latest": Some(key.number) == latest,
        "public_key": key.public.to_pem(),
    })
}

fn list_text(keys: &[Key]) -> String {
    if keys.is_empty() {
        return "no keys yet; the first signature makes one\n".to_owned();
    }
    let mut text = "number  kept in  id\n".to_owned();
    for key in keys {
        let _ = writeln!(text, "{:>6}  {:<7}  {}", key.number, kept_in(key.home), key.id());
    }
    text
}

/// A word for where the private half is.
fn kept_in(home: Home) -> &'static str {
    match home {
        Home::File => "file",
        Home::Token => "token",
        Home::Gone => "nothing",
    }
}
