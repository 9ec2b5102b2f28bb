//! `temper build`: a customized image.

use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use temper_compose::{BuiltImage, ComposeError, Planned, Request};
use temper_oci::{Digest, Platform};

use crate::cli;
use crate::failure::{Failure, Problem};
use crate::printing::counted;
use crate::signing::{self, Job, Place, Signing};
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
    /// The key that signed it, by the digest of its public half; absent where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed_by: Option<Digest>,
}

/// Builds and publishes the image of each target.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Build,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let opened = request::open(workspace, &options.source)?;
    refuse_shared_output(options.output.as_deref(), opened.len())?;
    let requests: Vec<Request<'_>> =
        opened.iter().map(|target| target.request(workspace)).collect::<Result<_, _>>()?;
    let sign = || Signing::open(workspace, &options.signing, &options.base_key);
    let plan = || -> Result<Vec<Planned<'_>>, ComposeError> {
        requests.iter().map(|request| workspace.composer().plan(request)).collect()
    };
    // Opening a key takes as long as a plan of what is known; one that may ask for a password is opened alone.
    let (signing, planned) =
        if options.signing.key.is_some() { (sign(), plan()) } else { rayon::join(sign, plan) };
    let planned = planned?;
    for planned in &planned {
        check(planned)?;
        warn(workspace, planned);
    }
    let signing = signing?;
    let mut results = Vec::new();
    for ((target, planned), request) in opened.iter().zip(&planned).zip(&requests) {
        let output = match &options.output {
            Some(output) => output.clone(),
            None => request::default_output(&options.source, &target.destination)?,
        };
        let job = Job {
            planned,
            request,
            document: &target.document,
            destination: &target.destination,
            tag_definition_id: target.tag_definition_id.clone(),
        };
        results.push(write(workspace, &job, &output, &target.tags, signing.as_ref())?);
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
    job: &Job<'_>,
    output: &str,
    tags: &[String],
    signing: Option<&Signing>,
) -> Result<Built, anyhow::Error> {
    let (destination, tag) = locate::destination(workspace, output)?;
    let tags = tag.map_or_else(|| tags.to_vec(), |tag| vec![tag]);
    let repository = locate::repository(output, job.destination);
    let place = Place { destination: &*destination, repository: &repository, tags: &tags };
    let image = signing::publish_job(workspace, job, &place, signing)?;
    Ok(built(&image, output, tags, signing))
}

/// Describes a published image.
pub(crate) fn built(image: &BuiltImage, output: &str, tags: Vec<String>, signing: Option<&Signing>) -> Built {
    let repository = locate::without_tag(output);
    let reference = match tags.first() {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{}", image.digest()),
    };
    let platforms = image.manifests.iter().map(|manifest| manifest.platform.clone()).collect();
    Built { reference, digest: image.digest(), tags, platforms, signed_by: signing.map(Signing::key_id) }
}

/// Renders what was built for people.
pub(crate) fn render(built: &Built) -> String {
    let platforms: Vec<String> = built.platforms.iter().map(ToString::to_string).collect();
    let signed_by = built.signed_by.map_or_else(|| "nobody".to_owned(), |key| key.to_string());
    format!(
        "{}\n  digest     {}\n  tags       {}\n  platforms  {}\n  signed by  {signed_by}\n",
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
