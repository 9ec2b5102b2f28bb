//! `temper customization`: documents to start from, and customizations of a server.

mod build;
mod change;
mod documents;
mod follow;

use std::process::ExitCode;

use anyhow::anyhow;
use temper_spec::Customization;
use temper_spec::scaffold::{self, Scaffold, ScaffoldLine, ScaffoldTarget};
use temper_web::CustomizationVersion;

use crate::catalog::Catalog;
use crate::cli::{self, CustomizationCommand};
use crate::commands::api::Api;
use crate::failure::{Failure, Problem};
use crate::printing;

/// Where customizations are in the API.
const PATH: &str = "customizations";

/// Runs one command over a server.
pub(crate) fn run(api: &Api, command: &CustomizationCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        CustomizationCommand::Prepare(options) => prepare(options, api.json),
        CustomizationCommand::Create(options) => change::create(api, options),
        CustomizationCommand::Apply(options) => change::apply(api, options),
        CustomizationCommand::List(options) => list(api, options),
        CustomizationCommand::Get(options) => get(api, options),
        CustomizationCommand::Edit(options) => change::edit(api, options),
        CustomizationCommand::Delete(options) => change::delete(api, options),
        CustomizationCommand::History(options) => history(api, options),
        CustomizationCommand::Restore(options) => change::restore(api, options),
        CustomizationCommand::Build(command) => build::run(api, command),
    }
}

fn list(api: &Api, options: &cli::ListCustomizations) -> Result<ExitCode, anyhow::Error> {
    let organization = options.organization.org.as_deref().ok_or_else(|| {
        Failure::usage(anyhow!("no organization is named")).hint("name it with `--org ORG` or `TEMPER_ORG`")
    })?;
    let query: Vec<(&str, &str)> =
        [("name", &options.filter), ("repository", &options.repo), ("source", &options.source)]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)))
            .collect();
    let found: Vec<temper_web::Customization> =
        api.client.list(&["organizations", organization, PATH], &query, None)?;
    let head = ["id", "name", "repository", "tags", "last build"];
    api.print_list(&found, &head, |one| {
        let of = |each: &dyn Fn(&temper_web::Target) -> String| {
            one.targets.iter().map(each).collect::<Vec<_>>().join(", ")
        };
        let tags = |target: &temper_web::Target| {
            target.tags.iter().map(|tag| tag.tag.clone()).collect::<Vec<_>>().join(", ")
        };
        let last = |target: &temper_web::Target| {
            let state = target.last_build.as_ref().map_or("none", |build| build.state.as_str());
            if target.held_build.is_some() { format!("{state}, held") } else { state.to_owned() }
        };
        vec![one.id.clone(), one.name.clone(), of(&|target| target.destination.clone()), of(&tags), of(&last)]
    })
}

fn get(api: &Api, options: &cli::NamedCustomization) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.which)?;
    api.print(&found, || found.yaml.clone())
}

fn history(api: &Api, options: &cli::NamedCustomization) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.which)?;
    let versions: Vec<CustomizationVersion> = api.client.list(&[PATH, &found.id, "versions"], &[], None)?;
    api.print_list(&versions, &["version", "when", "who", "from"], |one| {
        let from = one.restored_from.map(|version| format!("version {version}")).unwrap_or_default();
        vec![one.version.to_string(), one.created_at.clone(), one.created_by.clone(), from]
    })
}

/// Finds a customization by repository and name, or by its id.
fn find(api: &Api, which: &[String]) -> Result<temper_web::Customization, anyhow::Error> {
    match which {
        [repository, name] => {
            let query = [("repository", repository.as_str()), ("name", name.as_str())];
            api.client.get_with(&[PATH], &query)
        }
        [id] if !id.contains('/') => api.client.get(&[PATH, id]),
        _ => Err(Failure::usage(anyhow!("`{}` names no customization", which.join(" ")))
            .hint("name its repository and its name, `acme/dhi-python custom`, or its id")
            .into()),
    }
}

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
