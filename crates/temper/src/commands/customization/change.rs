//! Changing customizations: create, apply, edit, restore, delete.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use temper_web::{
    Customization, CustomizationEdit, Documents, Drift, Folder, Listed, Restoration, SentDocument, Target,
};

use super::{PATH, documents, find, follow};
use crate::asking;
use crate::cli;
use crate::commands::api::Api;
use crate::failure::Failure;
use crate::printing::counted;

pub(super) fn create(api: &Api, options: &cli::CreateCustomization) -> Result<ExitCode, anyhow::Error> {
    let mut sent = documents::read(&options.files)?;
    let has_overrides =
        options.name.is_some() || options.destination.is_some() || options.tag_definition_id.is_some();
    if has_overrides && sent.len() > 1 {
        let error = anyhow!("`--name`, `--destination` and `--tag-definition-id` are for one document");
        return Err(Failure::usage(error).hint("name one file").into());
    }
    for document in &mut sent {
        document.name.clone_from(&options.name);
        document.destination.clone_from(&options.destination);
        document.tag_definition_id.clone_from(&options.tag_definition_id);
    }
    let named = options.organization.org.as_deref();
    let organization = documents::organization(named, options.destination.as_deref(), &sent)?;
    let created: Listed<Customization> =
        api.client.post(&["organizations", &organization, PATH], &Documents { documents: sent })?;
    show(api, &created.items, options.follow)
}

pub(super) fn edit(api: &Api, options: &cli::EditCustomization) -> Result<ExitCode, anyhow::Error> {
    let sent = documents::read(std::slice::from_ref(&options.file))?;
    let Some(SentDocument { text, .. }) = sent.into_iter().next() else { return Ok(ExitCode::SUCCESS) };
    let id = documents::id(&text).ok_or_else(|| {
        Failure::usage(anyhow!("document `{}` has no `id`", options.file.display()))
            .hint("`temper customization get` prints the document with it")
    })?;
    let version = options.version.map(|version| format!("\"{version}\""));
    let edit = CustomizationEdit { text, remove_tags: options.remove_tags };
    let edited: Customization = api.client.replace(&[PATH, &id], &edit, version.as_deref())?;
    show(api, &[edited], options.follow)
}

pub(super) fn restore(api: &Api, options: &cli::RestoreCustomization) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.named.which)?;
    let restored: Customization =
        api.client.post(&[PATH, &found.id, "restore"], &Restoration { version: options.to })?;
    show(api, &[restored], false)
}

pub(super) fn delete(api: &Api, options: &cli::DeleteCustomization) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Customization> = match options.which.as_slice() {
        [repository, ..] if repository.contains('/') => vec![find(api, &options.which)?],
        ids => {
            ids.iter().map(|id| find(api, std::slice::from_ref(id))).collect::<Result<_, anyhow::Error>>()?
        }
    };
    let names: Vec<String> = found.iter().map(|one| format!("`{}`", one.name)).collect();
    let names = names.join(", ");
    let tags = if options.remove_tags { " with the tags" } else { "" };
    asking::confirm(&format!("deleting customization {names}{tags}"), options.force.force)?;
    for one in &found {
        let remove_tags = if options.remove_tags { "true" } else { "false" };
        api.client.delete(&[PATH, &one.id], &[("remove_tags", remove_tags)])?;
    }
    api.print_done(&format!("customization {names} is gone"))
}

pub(super) fn apply(api: &Api, options: &cli::ApplyCustomizations) -> Result<ExitCode, anyhow::Error> {
    let sent = documents::read_folder(&options.folder)?;
    let organization = documents::organization(options.organization.org.as_deref(), None, &sent)?;
    let path = ["organizations", &organization, PATH, "apply"];
    let mut folder = Folder { documents: sent, dry_run: true, remove_tags: options.remove_tags };
    let drift: Drift = api.client.post(&path, &folder)?;
    let is_equal = drift.lines.iter().all(|line| line.action == "none");
    if options.dry_run || is_equal {
        api.print(&drift, || render(&drift))?;
        return Ok(if is_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let deleted: Vec<String> = drift
        .lines
        .iter()
        .filter(|line| line.action == "delete")
        .map(|line| format!("`{}`", line.name))
        .collect();
    if !deleted.is_empty() {
        let what = counted(deleted.len(), "customization without a file", "customizations without files");
        asking::confirm(&format!("deleting {what} ({})", deleted.join(", ")), options.force.force)?;
    }
    folder.dry_run = false;
    let drift: Drift = api.client.post(&path, &folder)?;
    api.print(&drift, || render(&drift))
}

fn render(drift: &Drift) -> String {
    let mut text = String::new();
    for line in &drift.lines {
        let sign = match line.action.as_str() {
            "create" => '+',
            "edit" => '~',
            "delete" => '-',
            _ => ' ',
        };
        let file = line.file.as_ref().map(|file| format!("  ({file})")).unwrap_or_default();
        let _ = writeln!(text, "{sign} {}  {}{file}", line.name, line.destinations.join(", "));
        for path in &line.differences {
            let _ = writeln!(text, "    {path}");
        }
    }
    if text.is_empty() {
        text.push_str("nothing is there, and nothing is to be\n");
    }
    text
}

/// Shows customizations with the builds that wait, and follows these if that is wanted.
fn show(api: &Api, items: &[Customization], follows: bool) -> Result<ExitCode, anyhow::Error> {
    let builds: Vec<&str> = items
        .iter()
        .flat_map(|one| &one.targets)
        .filter_map(|target| target.last_build.as_ref())
        .filter(|build| build.state == "queued" || build.state == "running")
        .map(|build| build.id.as_str())
        .collect();
    let print = || match items {
        [one] => api.print(one, || text(one)),
        items => api.print(&serde_json::json!({ "items": items }), || items.iter().map(text).collect()),
    };
    if !follows {
        return print();
    }
    if !api.json {
        print()?;
    }
    follow::follow_all(api, &builds)
}

fn text(one: &Customization) -> String {
    let mut text = format!("{}  {}  version {}\n", one.id, one.name, one.version);
    for Target { destination, tags, last_build, .. } in &one.targets {
        let tags: Vec<&str> = tags.iter().map(|tag| tag.tag.as_str()).collect();
        let build = last_build.as_ref().map(|build| format!("  build {} {}", build.id, build.state));
        let _ = writeln!(text, "  {destination}: {}{}", tags.join(", "), build.unwrap_or_default());
    }
    text
}
