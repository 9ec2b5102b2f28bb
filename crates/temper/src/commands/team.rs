//! `temper team`: members who have rights in common.

use std::process::ExitCode;

use temper_web::{NewTeam, Right, Team, TeamRight};

use crate::cli::{self, TeamCommand, TeamMember};
use crate::commands::api::Api;
use crate::{asking, printing};

/// Runs one command.
pub(crate) fn run(api: &Api, command: &TeamCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        TeamCommand::Create(options) => {
            let new = NewTeam { name: options.team.clone() };
            show(api, &api.client.post(&["organizations", &options.organization.org, "teams"], &new)?)
        }
        TeamCommand::List(options) => list(api, &options.org),
        TeamCommand::Get(options) => show(api, &api.client.get(&path(options))?),
        TeamCommand::Delete(options) => delete(api, options),
        TeamCommand::Member(TeamMember::Add(options)) => {
            let (path, user) = (path(&options.name), options.user.as_str());
            api.client.put(&[&path[..], &["members", user]].concat(), &serde_json::json!({}))?;
            api.print_done(&format!("{user} is in team {}", options.name.team))
        }
        TeamCommand::Member(TeamMember::Remove(options)) => {
            let (path, user) = (path(&options.name), options.user.as_str());
            api.client.delete(&[&path[..], &["members", user]].concat(), &[])?;
            api.print_done(&format!("{user} has left team {}", options.name.team))
        }
        TeamCommand::Right(cli::TeamRightCommand::Set(options)) => set_right(api, options),
        TeamCommand::Right(cli::TeamRightCommand::Remove(options)) => {
            let path = [&path(&options.name)[..], &["rights"]].concat();
            api.client.delete(&path, &[("repository", &options.repository)])?;
            api.print_done(&format!("team {} lost its right in {}", options.name.team, options.repository))
        }
    }
}

fn path(name: &cli::TeamName) -> [&str; 4] {
    ["organizations", &name.organization.org, "teams", &name.team]
}

fn list(api: &Api, organization: &str) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Team> = api.client.list(&["organizations", organization, "teams"], &[], None)?;
    api.print_list(&found, &["team", "members", "rights"], |team| {
        vec![team.name.clone(), team.members.join(", "), rights(team).join(", ")]
    })
}

fn delete(api: &Api, options: &cli::TeamDelete) -> Result<ExitCode, anyhow::Error> {
    let team = &options.name.team;
    asking::confirm(&format!("deleting team `{team}`"), options.force.force)?;
    api.client.delete(&path(&options.name), &[])?;
    api.print_done(&format!("team {team} is gone"))
}

fn set_right(api: &Api, options: &cli::TeamRightSet) -> Result<ExitCode, anyhow::Error> {
    let right = match options.right {
        cli::Right::Read => Right::Read,
        cli::Right::Write => Right::Write,
        cli::Right::Admin => Right::Admin,
    };
    let repository = options.repository.clone();
    let path = [&path(&options.name)[..], &["rights"]].concat();
    api.client.put(&path, &TeamRight { repository, right })?;
    let (team, repository) = (&options.name.team, &options.repository);
    api.print_done(&format!("team {team} has the right {} in {repository}", printing::word(&right)))
}

fn rights(team: &Team) -> Vec<String> {
    let rights = team.rights.iter();
    rights.map(|right| format!("{} {}", right.repository, printing::word(&right.right))).collect()
}

fn show(api: &Api, team: &Team) -> Result<ExitCode, anyhow::Error> {
    api.print(team, || {
        printing::fields(&[
            ("team", team.name.clone()),
            ("members", team.members.join(", ")),
            ("rights", rights(team).join(", ")),
        ])
    })
}
