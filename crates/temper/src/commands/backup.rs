//! `temper backup` and `temper restore`: records and keys, out of a server and into a new one.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use serde_json::json;
use temper_store::records::Records;
use tokio::runtime::Handle;

use crate::backup::{self, Places};
use crate::cli::{self, Global};
use crate::config;
use crate::database;
use crate::embedded;
use crate::failure::Failure;
use crate::printing::{self, counted};
use crate::server::token_key;
use crate::workspace::Workspace;

/// Writes a backup.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Backup,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let records = database::open(workspace)?;
    let created = jiff::Timestamp::from_microsecond(embedded::now()).context("the clock is wrong")?;
    let head =
        backup::write(&options.file, &workspace.runtime, &records, &places(workspace), created.to_string())?;
    workspace.progress.finish();
    let shown = options.file.display().to_string();
    printing::print(json, &json!({ "file": shown, "rows": head.rows, "created": head.created }), || {
        let rows = counted(usize::try_from(head.rows).unwrap_or(usize::MAX), "row", "rows");
        format!("wrote {rows} and the keys to {shown}; copy the storage of blobs now\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Fills an empty data folder and an empty database.
pub(crate) fn restore(
    global: &Global,
    runtime: &Handle,
    options: &cli::Restore,
) -> Result<ExitCode, anyhow::Error> {
    let folder = config::data_dir(global.data_dir.as_deref())?;
    let shown = folder.display().to_string();
    require_empty(&folder)?;
    let workspace = Workspace::open(global, runtime)?;
    let places = places(&workspace);
    let restored = backup::read(&options.file, &places, |lines| {
        runtime.block_on(async {
            let records = Records::import(&workspace.database, lines).await?;
            records.close().await;
            Ok(())
        })
    });
    workspace.progress.finish();
    let head = restored.inspect_err(|_| {
        // It was empty: what is there now is half of something.
        if let Err(error) = clear(&folder) {
            tracing::warn!(path = %shown, error = &error as &dyn std::error::Error, "not emptied again");
        }
    })?;
    printing::print(
        global.json,
        &json!({ "data_dir": shown, "rows": head.rows, "created": head.created }),
        || {
            let rows = counted(usize::try_from(head.rows).unwrap_or(usize::MAX), "row", "rows");
            format!(
                "restored {rows} and the keys as of {} to {shown}; put the storage of blobs in its place now\n",
                head.created
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn places(workspace: &Workspace) -> Places {
    Places { keys: workspace.keys.folder().to_owned(), token_key: workspace.folder.join(token_key::KEY_FILE) }
}

fn require_empty(folder: &Path) -> Result<(), anyhow::Error> {
    let first = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => {
            let failed = || format!("data folder `{}` cannot be read", folder.display());
            entries.with_context(failed).map_err(Failure::configuration)?.next()
        }
    };
    if first.is_none() {
        return Ok(());
    }
    let error = anyhow!("data folder `{}` is not empty", folder.display());
    Err(Failure::usage(error)
        .hint("name a new one with `--data-dir DIR`; nothing is restored over what is there")
        .into())
}

fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
