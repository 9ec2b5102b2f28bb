//! `temper build`: a customized image.

use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use temper_compose::{BuiltImage, Planned, publish};
use temper_oci::{Digest, Platform};

use crate::cli;
use crate::failure::{Failure, Problem};
use crate::printing::counted;
use crate::workspace::Workspace;
use crate::{ids, locate, plan_text, printing, request};

/// What a build gives.
#[derive(Serialize)]
pub(crate) struct Built {
    /// The reference that the image can be pulled by.
    pub(crate) reference: String,
    /// The digest of its index.
    pub(crate) digest: Digest,
    /// Its tags.
    pub(crate) tags: Vec<String>,
    /// Its platforms.
    pub(crate) platforms: Vec<Platform>,
}

/// Builds and publishes the image of each target.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Build,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let opened = request::open(workspace, &options.source)?;
    refuse_shared_output(options.output.as_deref(), opened.len())?;
    let planned: Vec<Planned<'_>> =
        opened.iter().map(|target| target.plan(workspace)).collect::<Result<_, _>>()?;
    for planned in &planned {
        check(planned)?;
        warn(workspace, planned);
    }
    let mut results = Vec::new();
    for (target, planned) in opened.iter().zip(&planned) {
        let output = match &options.output {
            Some(output) => output.clone(),
            None => request::default_output(&options.source, &target.destination)?,
        };
        results.push(write(workspace, planned, &output, &target.tags)?);
        ids::write(&workspace.folder, &target.line, planned.automatic_ids())?;
    }
    workspace.progress.finish();
    let text = || results.iter().map(render).collect::<String>();
    match results.as_slice() {
        [result] => printing::print(json, result, text)?,
        results => printing::print(json, &serde_json::json!({ "images": results }), text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses one place for the images of several targets: each would take the place of the one before.
fn refuse_shared_output(output: Option<&str>, targets: usize) -> Result<(), Failure> {
    match output {
        Some(output) if targets > 1 => {
            let error =
                anyhow!("`--output {output}` names one place, and the document has {targets} targets");
            let hint = "leave `--output` out, so that each image goes to its target's repository";
            Err(Failure::usage(error).hint(hint))
        }
        _ => Ok(()),
    }
}

/// Tells the warnings of a plan that is going to be built.
pub(crate) fn warn(workspace: &Workspace, planned: &Planned<'_>) {
    workspace.progress.text(&plan_text::warnings(planned.plan.warnings()));
}

/// Stops where a plan has problems.
pub(crate) fn check(planned: &Planned<'_>) -> Result<(), anyhow::Error> {
    if !planned.plan.has_problems() {
        return Ok(());
    }
    let problems = planned.plan.problems().map(|(platform, finding)| Problem::of_plan(platform, finding));
    let problems: Vec<Problem> = problems.collect();
    let count = counted(problems.len(), "problem", "problems");
    Err(Failure::failed(anyhow!("`{}` cannot be built, its plan has {count}", planned.plan.name))
        .problems(problems)
        .hint("nothing was built; `temper plan` shows the whole plan")
        .into())
}

/// Builds a planned image and publishes it to `output` under the tags, or under the one that `output` names.
pub(crate) fn write(
    workspace: &Workspace,
    planned: &Planned<'_>,
    output: &str,
    tags: &[String],
) -> Result<Built, anyhow::Error> {
    let (destination, tag) = locate::destination(workspace, output)?;
    let image = workspace.composer().build(planned)?;
    let tags = tag.map_or_else(|| tags.to_vec(), |tag| vec![tag]);
    publish(&image, &tags, &workspace.blobs, &*destination, workspace.log())?;
    Ok(built(&image, output, tags))
}

/// Describes a published image.
pub(crate) fn built(image: &BuiltImage, output: &str, tags: Vec<String>) -> Built {
    let repository = locate::without_tag(output);
    let reference = match tags.first() {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{}", image.digest()),
    };
    let platforms = image.manifests.iter().map(|manifest| manifest.platform.clone()).collect();
    Built { reference, digest: image.digest(), tags, platforms }
}

/// Renders what was built for people.
pub(crate) fn render(built: &Built) -> String {
    let platforms: Vec<String> = built.platforms.iter().map(ToString::to_string).collect();
    format!(
        "{}\n  digest     {}\n  tags       {}\n  platforms  {}\n",
        built.reference,
        built.digest,
        built.tags.join(", "),
        platforms.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::refuse_shared_output;

    #[test]
    fn one_output_takes_one_image() {
        for (output, targets, expected) in [
            (None, 2, ""),
            (Some("oci:x"), 1, ""),
            (Some("oci:x"), 2, "`--output oci:x` names one place, and the document has 2 targets"),
        ] {
            let found = refuse_shared_output(output, targets).map_err(|error| error.to_string());
            assert_eq!(found.err().unwrap_or_default(), expected, "{output:?} {targets}");
        }
    }
}
