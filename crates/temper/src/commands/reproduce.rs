//! `temper reproduce`: does building again give the published image?

use std::fmt::Write as _;
use std::process::ExitCode;

use temper_compose::reproduce::{Difference, Outcome, Reproduction};
use temper_compose::verify;

use crate::cli;
use crate::inputs::Places;
use crate::printing;
use crate::workspace::Workspace;
use crate::{locate, trust};

/// Builds an image again from its provenance, and prints how far both agree.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Reproduce,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let keys = trust::keys(workspace, &options.trust)?;
    let image = locate::source(workspace, &options.image)?;
    let record = verify::provenance(&*image, &keys)?;
    let inputs = Places::of(workspace, &options.image, &options.inputs, true)?;
    let composer = workspace.composer();
    composer.take_inputs(&*image, &record)?;
    let reproduction = composer.reproduce(&*image, &record, &inputs)?;
    workspace.progress.finish();
    printing::print(json, &reproduction, || render(&reproduction))?;
    Ok(if reproduction.is_reproduced() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(reproduction: &Reproduction) -> String {
    let Reproduction { reference, digest, rebuilt, outcome, versions, differences } = reproduction;
    let result = match outcome {
        Outcome::Identical => "is reproduced bit for bit",
        Outcome::SameContent => "is reproduced but for the encoders: all diff ids and configs are equal",
        Outcome::Different => "is not reproduced",
    };
    let mut text = format!("`{reference}` {result}\n  published  {digest}\n  built      {rebuilt}\n");
    for Difference { at, message } in versions.iter().chain(differences) {
        let _ = writeln!(text, "  {at}: {message}");
    }
    text
}
