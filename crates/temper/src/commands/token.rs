//! `temper token`: access tokens of users and organizations.

use std::process::ExitCode;

use anyhow::anyhow;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use temper_web::{MadeToken, NewToken, Token};

use crate::cli::{self, TokenCommand};
use crate::commands::api::Api;
use crate::failure::Failure;
use crate::{asking, embedded};

/// Runs one command.
pub(crate) fn run(api: &Api, command: &TokenCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        TokenCommand::Create(options) => create(api, options),
        TokenCommand::List(options) => list(api, options),
        TokenCommand::Revoke(options) => revoke(api, options),
    }
}

fn path(holder: &cli::TokenHolder) -> Vec<&str> {
    match &holder.org {
        Some(organization) => vec!["organizations", organization, "tokens"],
        None => vec!["user", "tokens"],
    }
}

fn create(api: &Api, options: &cli::TokenCreate) -> Result<ExitCode, anyhow::Error> {
    let now = Timestamp::from_microsecond(embedded::now()).unwrap_or(Timestamp::UNIX_EPOCH);
    let expires_at = options.expires.as_deref().map(|text| end(text, now)).transpose()?;
    let new = NewToken {
        name: options.name.clone(),
        may_write: options.write,
        repositories: options.repositories.clone(),
        expires_at: expires_at.map(|end| end.to_string()),
    };
    let made: MadeToken = api.client.post(&path(&options.holder), &new)?;
    api.print(&made, || format!("{}\n\nThe token is shown this once.\n", made.secret.expose_secret()))
}

fn list(api: &Api, options: &cli::TokenList) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Token> = api.client.list(&path(&options.holder), &[], None)?;
    api.print_list(&found, &["token", "may", "repositories", "expires", "used"], |token| {
        let repositories =
            if token.repositories.is_empty() { "all".to_owned() } else { token.repositories.join(", ") };
        vec![
            token.name.clone(),
            if token.may_write { "write" } else { "read" }.to_owned(),
            repositories,
            token.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            token.used_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    })
}

fn revoke(api: &Api, options: &cli::TokenRevoke) -> Result<ExitCode, anyhow::Error> {
    let name = options.name.as_str();
    asking::confirm(&format!("revoking access token `{name}`"), options.force.force)?;
    let mut path = path(&options.holder);
    path.push(name);
    api.client.delete(&path, &[])?;
    api.print_done(&format!("access token {name} has ended"))
}

/// Reads when a token ends: a time from now, a date, or a moment.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, anyhow::Error> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
    let life = days.map(|days| SignedDuration::from_hours(days.saturating_mul(24)));
    let life = life.or_else(|| text.parse::<SignedDuration>().ok());
    let moment = match life {
        Some(life) => now.checked_add(life).ok(),
        None => text.parse::<Timestamp>().ok().or_else(|| {
            let date: Date = text.parse().ok()?;
            date.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp())
        }),
    };
    moment.ok_or_else(|| {
        Failure::usage(anyhow!("`{text}` is no time at which a token ends"))
            .hint("write `90d`, `12h`, `2027-01-31` or `2027-01-31T12:00:00Z`")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("is a time");
        for (text, expected) in [
            ("90d", Some("2026-04-01T00:00:00Z")),
            ("12h", Some("2026-01-01T12:00:00Z")),
            ("2027-01-31", Some("2027-01-31T00:00:00Z")),
            ("2027-01-31T12:00:00Z", Some("2027-01-31T12:00:00Z")),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(end(text, now).ok().map(|end| end.to_string()).as_deref(), expected, "{text}");
        }
    }
}
