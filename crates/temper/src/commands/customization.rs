//! `temper customization`: documents to start from.

use std::process::ExitCode;

use anyhow::anyhow;
use temper_spec::Customization;
use temper_spec::scaffold::{self, Scaffold, ScaffoldLine, ScaffoldTarget};

use crate::catalog::Catalog;
use crate::cli;
use crate::failure::{Failure, Problem};
use crate::printing;

/// Prints a commented document that `plan` and `build` take as it is; with `json` the document without comments.
pub(crate) fn prepare(options: &cli::Prepare, json: bool) -> Result<ExitCode, anyhow::Error> {
    let target = ScaffoldTarget { destination: options.destination.clone(), line: line(options)? };
    let scaffold =
        Scaffold { name: options.name.clone(), suffix: options.suffix.clone(), targets: vec![target] };
    let text = scaffold::image(&scaffold);
    // The rules of documents hold for what the options say too; their lines are those of a text that nobody sees.
    let document = Customization::parse(&text).map_err(|problems| {
        let problems = problems.0.iter().map(|problem| Problem::from(problem).without_position());
        Failure::usage(anyhow!("no document can be made for `{}`", options.destination)).problems(problems)
    })?;
    printing::print(json, &document.value, || text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the tags to start from, which the catalog must know unless they are named themselves.
fn line(options: &cli::Prepare) -> Result<ScaffoldLine, anyhow::Error> {
    if let Some(tag) = &options.tag {
        return Ok(ScaffoldLine::Tag(tag.clone()));
    }
    let catalog = Catalog::read(options.catalog.as_deref())?;
    let Some(id) = &options.tag_definition_id else {
        let ids: Vec<&str> = catalog.ids().collect();
        return Err(Failure::usage(anyhow!("no line of tags is named for `{}`", options.destination))
            .hint(format!("choose one with `-t ID` ({}), or one tag with `--tag TAG`", ids.join(", ")))
            .into());
    };
    catalog.get(id)?;
    Ok(ScaffoldLine::Definition(id.clone()))
}
