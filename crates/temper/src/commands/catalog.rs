//! `temper catalog`: the definitions of hardened images.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use temper_compose::{Recipe, Request};
use temper_spec::Definition;
use temper_web::CatalogEntry;

use crate::catalog::Catalog;
use crate::cli;
use crate::commands::api::Api;
use crate::commands::build;
use crate::failure::Failure;
use crate::ids;
use crate::printing;
use crate::signing::{Job, Signing};
use crate::workspace::Workspace;

/// One line of the list.
#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    tags: Vec<String>,
    platforms: Vec<String>,
    /// Why it cannot be built here; empty where it can.
    obstacles: Vec<String>,
}

/// Lists definitions.
pub(crate) fn list(options: &cli::CatalogList, json: bool) -> Result<ExitCode, anyhow::Error> {
    let catalog = Catalog::read(options.catalog.as_deref())?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let lines: Vec<Line> = catalog
        .ids()
        .filter(|id| id.contains(filter))
        .map(|id| catalog.get(id).map(|definition| line(&definition)))
        .collect::<Result<_, _>>()?;
    printing::print(json, &serde_json::json!({ "definitions": lines }), || render(&lines))?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the definitions that a server builds.
pub(crate) fn list_served(api: &Api, options: &cli::CatalogList) -> Result<ExitCode, anyhow::Error> {
    let filter = options.filter.as_deref().unwrap_or_default();
    let found: Vec<CatalogEntry> = api.client.list(&["catalog"], &[("filter", filter)], None)?;
    let line = |entry: CatalogEntry| {
        let CatalogEntry { id, name, tags, platforms, obstacles, .. } = entry;
        Line { id, name, tags, platforms, obstacles }
    };
    let lines: Vec<Line> = found.into_iter().map(line).collect();
    api.print(&serde_json::json!({ "definitions": lines }), || render(&lines))
}

/// Prints a definition that a server builds.
pub(crate) fn get_served(api: &Api, options: &cli::CatalogGet) -> Result<ExitCode, anyhow::Error> {
    let entry: CatalogEntry = api.client.get(&["catalog", &options.id])?;
    api.print(&entry, || entry.text.clone().unwrap_or_default())
}

fn line(definition: &Definition) -> Line {
    let document = &definition.document;
    Line {
        id: definition.id.clone(),
        name: document.name.clone(),
        tags: document.tags.clone(),
        platforms: document.platforms().iter().map(ToString::to_string).collect(),
        obstacles: definition.not_buildable(),
    }
}

fn render(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no definition matches; `temper catalog list` shows all\n".to_owned();
    }
    let width = lines.iter().map(|line| line.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{:width$}  {}  ({})", line.id, line.name, line.tags.join(", "));
        for obstacle in &line.obstacles {
            let _ = writeln!(text, "{:width$}    not built here: {obstacle}", "");
        }
    }
    text
}

/// Prints a definition.
pub(crate) fn get(options: &cli::CatalogGet, json: bool) -> Result<ExitCode, anyhow::Error> {
    let catalog = Catalog::read(options.catalog.as_deref())?;
    let definition = catalog.get(&options.id)?;
    let text = catalog.text(&options.id)?;
    printing::print(json, definition.tree(), || text.to_owned())?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the image of a definition.
pub(crate) fn build(
    workspace: &Workspace,
    options: &cli::CatalogBuild,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let catalog = Catalog::read(options.catalog.as_deref())?;
    let definition = catalog.get(&options.id)?;
    let recipe = Recipe::from(&definition.value);
    let request = request(workspace, &definition, &recipe)?;
    let planned = workspace.composer().plan(&request)?;
    build::check(&planned)?;
    build::warn(workspace, &planned);
    let signing = Signing::open(workspace, &options.signing, &[])?;
    let job = Job {
        planned: &planned,
        request: &request,
        document: catalog.text(&options.id)?,
        destination: &definition.document.image,
        tag_definition_id: Some(definition.id.clone()),
    };
    let tags = &definition.document.tags;
    let built = build::write(workspace, &job, &options.output, tags, signing.as_ref())?;
    ids::write(&workspace.folder, &definition.id, planned.automatic_ids())?;
    workspace.progress.finish();
    printing::print(json, &built, || build::render(&built))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what composition is asked for to make the image of a definition.
pub(crate) fn request<'a>(
    workspace: &Workspace,
    definition: &Definition,
    recipe: &'a Recipe,
) -> Result<Request<'a>, anyhow::Error> {
    let obstacles = definition.not_buildable();
    if !obstacles.is_empty() {
        let list = obstacles.join("\n  ");
        return Err(
            Failure::failed(anyhow::anyhow!("`{}` cannot be built here:\n  {list}", definition.id)).into()
        );
    }
    Ok(Request {
        recipe,
        base: None,
        artifacts: &[],
        destination: None,
        base_name: None,
        tags: definition.document.tags.clone(),
        automatic_ids: ids::read(&workspace.folder, &definition.id)?,
        choices: BTreeMap::new(),
    })
}
