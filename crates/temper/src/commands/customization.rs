//! `temper customization`: documents to start from.

use std::process::ExitCode;

use temper_spec::scaffold::{self, ScaffoldTarget};

use crate::cli;
use crate::printing;

/// Prints a commented document.
pub(crate) fn prepare(options: &cli::Prepare) -> Result<ExitCode, anyhow::Error> {
    let target = ScaffoldTarget {
        destination: options.destination.clone(),
        tag_definition_id: options.tag_definition_id.clone(),
    };
    printing::print_text(&scaffold::image(&options.name, &[target]))?;
    Ok(ExitCode::SUCCESS)
}
