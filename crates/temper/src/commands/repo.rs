//! `temper repo`: repositories of organizations, and what holds in them.

use std::process::ExitCode;

use temper_web::{ImmutableTags, ImmutableWord, Repository, RepositoryEdit};

use crate::cli::{self, RepoCommand};
use crate::commands::api::{Api, split};
use crate::{asking, printing};

/// Runs one command.
pub(crate) fn run(api: &Api, command: &RepoCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        RepoCommand::List(options) => list(api, &options.org),
        RepoCommand::Get(options) => show(api, &api.client.get(&path(&options.repository)?)?),
        RepoCommand::Set(options) => set(api, options),
        RepoCommand::Delete(options) => delete(api, options),
    }
}

fn path(repository: &str) -> Result<[&str; 4], anyhow::Error> {
    let (organization, name) = split(repository)?;
    Ok(["organizations", organization, "repositories", name])
}

fn list(api: &Api, organization: &str) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Repository> =
        api.client.list(&["organizations", organization, "repositories"], &[], None)?;
    api.print_list(&found, &["repository", "tags", "pushed", "right"], |repository| {
        vec![
            repository.name.clone(),
            repository.tags.to_string(),
            repository.pushed_at.clone().unwrap_or_else(|| "never".to_owned()),
            printing::word(&repository.right),
        ]
    })
}

fn set(api: &Api, options: &cli::RepoSet) -> Result<ExitCode, anyhow::Error> {
    let immutable_tags = match &options.immutable_tags[..] {
        [] => None,
        [word] if word == "none" => Some(ImmutableTags::Word(ImmutableWord::None)),
        [word] if word == "all" => Some(ImmutableTags::Word(ImmutableWord::All)),
        patterns => Some(ImmutableTags::Patterns(patterns.to_vec())),
    };
    let edit = RepositoryEdit {
        description: options.description.clone(),
        is_public: options.public,
        immutable_tags,
        quota_bytes: options.quota.map(|quota| quota.0),
        retention_newest: options.retention_newest.map(|count| count.0),
        retention_days: options.retention_days.map(|count| count.0),
    };
    show(api, &api.client.patch(&path(&options.repository)?, &edit, None)?)
}

fn delete(api: &Api, options: &cli::RepoDelete) -> Result<ExitCode, anyhow::Error> {
    let repository = &options.repository;
    asking::confirm(&format!("deleting repository `{repository}` with its images"), options.force.force)?;
    api.client.delete(&path(repository)?, &[])?;
    api.print_done(&format!("repository {repository} is gone"))
}

fn show(api: &Api, repository: &Repository) -> Result<ExitCode, anyhow::Error> {
    let or_default = |number: Option<u32>| number.map_or("default".to_owned(), |number| number.to_string());
    let immutable = match &repository.immutable_tags {
        ImmutableTags::Word(word) => printing::word(word),
        ImmutableTags::Patterns(patterns) => patterns.join(", "),
    };
    api.print(repository, || {
        printing::fields(&[
            ("repository", repository.name.clone()),
            ("description", repository.description.clone()),
            ("your right", printing::word(&repository.right)),
            ("tags", repository.tags.to_string()),
            ("pushed", repository.pushed_at.clone().unwrap_or_else(|| "never".to_owned())),
            ("public", repository.is_public.to_string()),
            ("immutable tags", immutable),
            ("quota", printing::bytes(repository.quota_bytes)),
            ("retained newest", or_default(repository.retention_newest)),
            ("retained days", or_default(repository.retention_days)),
        ])
    })
}
