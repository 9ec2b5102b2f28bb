//! Where the records are: a file of the data folder, or a server.

use std::path::Path;

use secrecy::ExposeSecret;
use temper_store::records::{Database, Records};

use crate::cli::Global;
use crate::config::Config;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// The database of the data folder.
const RECORDS_FILE: &str = "temper.db";

/// Returns the database that options, environment and configuration choose; nothing is opened yet.
pub(crate) fn choose(global: &Global, config: &Config, folder: &Path) -> Result<Database, anyhow::Error> {
    let configured = config.database.as_ref().map(ExposeSecret::expose_secret);
    let Some(text) = global.database.as_deref().or(configured) else {
        return Ok(Database::File(folder.join(RECORDS_FILE)));
    };
    text.parse::<Database>().map_err(|error| {
        let hint = error.hint();
        Failure::configuration(anyhow::Error::new(error).context("the address of the database is wrong"))
            .hint(hint)
            .into()
    })
}

/// Opens the database, and brings its schema up to date.
pub(crate) fn open(workspace: &Workspace) -> Result<Records, anyhow::Error> {
    let opened = workspace.runtime.block_on(Records::connect(&workspace.database));
    opened.map_err(|error| {
        let hint = error.hint();
        Failure::configuration(error.into()).hint_if(hint).into()
    })
}
