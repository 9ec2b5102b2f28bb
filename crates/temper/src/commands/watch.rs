//! `temper watch` and `temper freshness`: when rebuilds run that nobody asked for, and how fresh repositories are.

use std::process::ExitCode;

use anyhow::anyhow;
use temper_web::{Freshness, LateChange, Rebuilds, RebuildsEdit, Window};

use crate::cli::mirror::{self as cli, WatchCommand};
use crate::commands::api::{Api, split};
use crate::failure::Failure;
use crate::printing;

/// Runs one command.
pub(crate) fn run(api: &Api, command: &WatchCommand) -> Result<ExitCode, anyhow::Error> {
    let paused = |paused| RebuildsEdit { paused: Some(paused), windows: None };
    match command {
        WatchCommand::Get(options) => show(api, &api.client.get(&path(&options.org))?),
        WatchCommand::Pause(options) => set(api, &options.org, &paused(true)),
        WatchCommand::Resume(options) => set(api, &options.org, &paused(false)),
        WatchCommand::Windows(options) => {
            let windows = options.windows.iter().map(|text| window(text)).collect::<Result<_, _>>()?;
            set(api, &options.of.org, &RebuildsEdit { paused: None, windows: Some(windows) })
        }
    }
}

fn path(organization: &str) -> [&str; 3] {
    ["organizations", organization, "rebuilds"]
}

fn set(api: &Api, organization: &str, edit: &RebuildsEdit) -> Result<ExitCode, anyhow::Error> {
    show(api, &api.client.patch(&path(organization), edit, None)?)
}

/// Reads `saturday,sunday 22:00-06:00`; what the words mean, the server checks.
fn window(text: &str) -> Result<Window, anyhow::Error> {
    let (days, times) = text.trim().rsplit_once(' ').unwrap_or(("", text.trim()));
    let days = days.split(',').map(str::trim).filter(|day| !day.is_empty()).map(str::to_lowercase).collect();
    let (from, to) = times.split_once('-').ok_or_else(|| {
        Failure::usage(anyhow!("`{text}` is no window"))
            .hint("write `saturday,sunday 22:00-06:00`, or the times alone")
    })?;
    Ok(Window { days, from: from.to_owned(), to: to.to_owned() })
}

fn show(api: &Api, rebuilds: &Rebuilds) -> Result<ExitCode, anyhow::Error> {
    api.print(rebuilds, || {
        let windows = rebuilds.windows.iter().map(|window| {
            let days = if window.days.is_empty() { "every day".to_owned() } else { window.days.join(", ") };
            format!("{days} {}-{} UTC", window.from, window.to)
        });
        let windows: Vec<String> = windows.collect();
        printing::fields(&[
            ("paused since", rebuilds.paused_at.clone().unwrap_or_else(|| "not paused".to_owned())),
            ("windows", if windows.is_empty() { "always".to_owned() } else { windows.join("; ") }),
            ("waiting", rebuilds.held.to_string()),
        ])
    })
}

/// Shows how fresh a repository is.
pub(crate) fn freshness(api: &Api, options: &cli::Freshness) -> Result<ExitCode, anyhow::Error> {
    let (organization, name) = split(&options.repository)?;
    let path = ["organizations", organization, "repositories", name, "freshness"];
    let query: Vec<(&str, &str)> = options.since.iter().map(|since| ("since", since.as_str())).collect();
    let found: Freshness = api.client.get_with(&path, &query)?;
    api.print(&found, || {
        let seconds = |time: Option<u64>| time.map_or("unknown".to_owned(), |seconds| format!("{seconds} s"));
        let mut text = printing::fields(&[
            ("repository", found.repository.clone()),
            ("answered", printing::counted(found.answered as usize, "change", "changes")),
            ("median", seconds(found.p50_seconds)),
            ("95th percentile", seconds(found.p95_seconds)),
            ("waiting", found.waiting.len().to_string()),
        ]);
        let row = |change: &LateChange| {
            vec![
                change.published_at.clone(),
                change.cause.clone(),
                format!("{} s", change.seconds),
                change.because.clone().unwrap_or_default(),
            ]
        };
        for (what, changes) in [("waits since", &found.waiting), ("late", &found.late)] {
            if !changes.is_empty() {
                let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
                text.push('\n');
                text.push_str(&printing::table(&[what, "cause", "for", "because"], &rows));
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn windows_are_read() {
        let read = |text: &str| window(text).map(|window| (window.days, window.from, window.to)).ok();
        let expected = |days: &[&str]| {
            let days = days.iter().map(|day| (*day).to_owned()).collect::<Vec<_>>();
            Some((days, "22:00".to_owned(), "06:00".to_owned()))
        };
        assert_eq!(read("saturday, Sunday 22:00-06:00"), expected(&["saturday", "sunday"]));
        assert_eq!(read("22:00-06:00"), expected(&[]));
        assert_eq!(read("saturday"), None);
    }
}
