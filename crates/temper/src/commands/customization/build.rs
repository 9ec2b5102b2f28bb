//! `temper customization build`: builds of a server.

use std::fmt::Write as _;
use std::process::ExitCode;

use temper_hub::{Changes, Difference};
use temper_web::{Build, BuildDetails, BuildEvent, BuildRun, Listed, Released};

use super::{PATH, find, follow};
use crate::cli::{self, CustomizationBuild};
use crate::commands::api::Api;
use crate::failure::Failure;
use crate::{plan_text, printing};

/// How many packages, settings or files that differ are shown; `--json` has them all.
const ROWS_MAX: usize = 60;

/// Runs one command.
pub(super) fn run(api: &Api, command: &CustomizationBuild) -> Result<ExitCode, anyhow::Error> {
    match command {
        CustomizationBuild::List(options) => list(api, options),
        CustomizationBuild::Get(options) => get(api, options),
        CustomizationBuild::Logs(options) => logs(api, options),
        CustomizationBuild::Run(options) => run_now(api, options),
        CustomizationBuild::Retry(options) => act(api, options, "retry"),
        CustomizationBuild::Cancel(options) => act(api, options, "cancel"),
        CustomizationBuild::Rollback(options) => act(api, options, "rollback"),
        CustomizationBuild::Release(options) => release(api, options),
    }
}

fn list(api: &Api, options: &cli::NamedBuilds) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.named.which)?;
    let query: Vec<(&str, &str)> = options.state.iter().map(|state| ("state", state.as_str())).collect();
    let limit = Some(options.limit as usize);
    let builds: Vec<Build> = api.client.list(&[PATH, &found.id, "builds"], &query, limit)?;
    let head = ["build", "number", "repository", "state", "created", "why"];
    api.print_list(&builds, &head, |build| {
        vec![
            build.id.clone(),
            build.number.to_string(),
            build.destination.clone(),
            build.state.clone(),
            build.created_at.clone(),
            causes(build),
        ]
    })
}

fn get(api: &Api, options: &cli::NamedBuild) -> Result<ExitCode, anyhow::Error> {
    let id = build_id(api, &options.which)?;
    let found: BuildDetails = api.client.get(&["builds", &id])?;
    api.print(&found, || render(&found))
}

fn logs(api: &Api, options: &cli::BuildLogs) -> Result<ExitCode, anyhow::Error> {
    let id = build_id(api, &options.named.which)?;
    if options.follow {
        return follow::follow_all(api, &[&id]);
    }
    let events: Vec<BuildEvent> = api.client.list(&["builds", &id, "events"], &[], None)?;
    api.print(&serde_json::json!({ "items": events }), || events.iter().map(event_line).collect())
}

fn run_now(api: &Api, options: &cli::RunBuild) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.named.which)?;
    let run = BuildRun { destination: options.destination.clone() };
    let queued: Listed<Build> = api.client.post(&[PATH, &found.id, "builds"], &run)?;
    if options.follow {
        let ids: Vec<&str> = queued.items.iter().map(|build| build.id.as_str()).collect();
        return follow::follow_all(api, &ids);
    }
    show(api, &queued.items)
}

fn act(api: &Api, options: &cli::NamedBuild, action: &str) -> Result<ExitCode, anyhow::Error> {
    let id = build_id(api, &options.which)?;
    let build: Build = api.client.post(&["builds", &id, action], &serde_json::json!({}))?;
    if action == "rollback" {
        let done = format!("tags {} go back to build {} and stay there", build.tags.join(", "), build.number);
        return api.print_done(&done);
    }
    show(api, &[build])
}

fn release(api: &Api, options: &cli::NamedCustomization) -> Result<ExitCode, anyhow::Error> {
    let found = find(api, &options.which)?;
    let released: Released = api.client.post(&[PATH, &found.id, "release"], &serde_json::json!({}))?;
    api.print(&released, || match released.targets {
        0 => "no tags were held\n".to_owned(),
        count => format!("tags of {} follow again\n", printing::counted(count, "target", "targets")),
    })
}

fn show(api: &Api, builds: &[Build]) -> Result<ExitCode, anyhow::Error> {
    api.print(&serde_json::json!({ "builds": builds }), || {
        let lines = builds.iter().map(|build| [&*build.id, "  ", &follow::line(build)].concat());
        lines.collect()
    })
}

/// Returns the id of a build: the one that is named, or the newest of a customization.
fn build_id(api: &Api, which: &[String]) -> Result<String, anyhow::Error> {
    match which {
        [id] | [_, _, id] => Ok(id.clone()),
        named => {
            let found = find(api, named)?;
            let newest: Vec<Build> = api.client.list(&[PATH, &found.id, "builds"], &[], Some(1))?;
            let newest = newest.into_iter().next().map(|build| build.id);
            newest.ok_or_else(|| {
                Failure::failed(anyhow::anyhow!("customization `{}` has no builds yet", found.name)).into()
            })
        }
    }
}

fn causes(build: &Build) -> String {
    build.causes.iter().map(|cause| cause.text.as_str()).collect::<Vec<_>>().join("; ")
}

fn event_line(event: &BuildEvent) -> String {
    let platform = event.platform.as_ref().map(|platform| format!(" [{platform}]")).unwrap_or_default();
    let level = if event.level == "info" { String::new() } else { format!("{}: ", event.level) };
    let amount = match (event.done.zip(event.total), event.is_bytes) {
        (Some((done, total)), true) => {
            format!(" {} of {}", plan_text::bytes(done), plan_text::bytes(total))
        }
        (Some((done, total)), false) => format!(" {done} of {total}"),
        (None, _) => String::new(),
    };
    format!("{}  {:<8}{platform} {level}{}{amount}\n", event.at, event.step, event.message)
}

fn render(details: &BuildDetails) -> String {
    let build = &details.build;
    let mut text = printing::fields(&[
        ("build", build.id.clone()),
        ("number", build.number.to_string()),
        ("name", build.name.clone()),
        ("repository", build.destination.clone()),
        ("state", build.state.clone()),
        ("why", causes(build)),
        ("created", build.created_at.clone()),
        ("started", build.started_at.clone().unwrap_or_default()),
        ("finished", build.finished_at.clone().unwrap_or_default()),
        ("digest", build.digest.clone().unwrap_or_default()),
        ("tags", build.tags.join(", ")),
        ("held here", if details.is_held { "yes".to_owned() } else { String::new() }),
    ]);
    if let Some(error) = &build.error {
        let _ = writeln!(text, "\nerror: {}", error.message);
        for cause in &error.causes {
            let _ = writeln!(text, "  {cause}");
        }
        for problem in &error.problems {
            let platform = problem.platform.as_ref().map(|one| format!("{one}: ")).unwrap_or_default();
            let _ = writeln!(text, "  {platform}`{}`: {}", problem.path, problem.message);
        }
    }
    if let Some(changes) = &details.changes {
        changes_text(&mut text, changes);
    }
    text
}

fn changes_text(text: &mut String, changes: &Changes) {
    if changes.inputs.is_empty() && changes.platforms.is_empty() {
        text.push_str("\nnothing differs from the build before\n");
        return;
    }
    text.push_str("\nagainst the build before\n");
    rows(text, "inputs", &changes.inputs);
    for (platform, changes) in &changes.platforms {
        let _ = writeln!(text, "  {platform}  {:+} bytes", changes.size_bytes);
        rows(text, "packages", &changes.packages);
        rows(text, "settings", &changes.config);
        rows(text, "files", &changes.files);
    }
}

fn rows(text: &mut String, title: &str, differences: &[Difference]) {
    if differences.is_empty() {
        return;
    }
    let _ = writeln!(text, "    {title}");
    for one in differences.iter().take(ROWS_MAX) {
        let line = match (&one.old, &one.new) {
            (Some(old), Some(new)) => format!("~ {} {old} → {new}", one.name),
            (None, Some(new)) => format!("+ {} {new}", one.name),
            (Some(old), None) => format!("- {} {old}", one.name),
            (None, None) => continue,
        };
        let _ = writeln!(text, "      {}", printing::cell(&line));
    }
    if differences.len() > ROWS_MAX {
        let _ = writeln!(text, "      … and {} more (--json shows all)", differences.len() - ROWS_MAX);
    }
}
