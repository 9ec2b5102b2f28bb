//! `temper mirror`: repositories that follow an upstream.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use temper_web::{Mirror, NewMirror};

use crate::cli::mirror::{self as cli, MirrorCommand};
use crate::commands::api::{Api, split};
use crate::failure::Failure;
use crate::{asking, printing};

/// How often the server is asked how far a look is.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// Longest key file in bytes.
const KEY_BYTES_MAX: u64 = 16 << 10;

/// Tags that are named of a mirror; `--json` names all.
const TAGS_SHOWN_MAX: usize = 20;

/// Runs one command.
pub(crate) fn run(api: &Api, command: &MirrorCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        MirrorCommand::Start(options) => start(api, options),
        MirrorCommand::List(options) => list(api, &options.org),
        MirrorCommand::Get(options) => show(api, &api.client.get(&path(&options.repository)?)?),
        MirrorCommand::Sync(options) => sync(api, options),
        MirrorCommand::Stop(options) => stop(api, options),
    }
}

fn path(repository: &str) -> Result<[&str; 4], anyhow::Error> {
    let (organization, name) = split(repository)?;
    Ok(["organizations", organization, "mirrors", name])
}

fn start(api: &Api, options: &cli::MirrorStart) -> Result<ExitCode, anyhow::Error> {
    let verify_keys = options.verify_keys.iter().map(|file| read_key(file)).collect::<Result<Vec<_>, _>>()?;
    let wishes = wishes(options.source.as_deref(), &options.repo)?;
    let organization = &options.of.org;
    let mut started = Vec::new();
    for (source, repository) in wishes {
        let new = NewMirror {
            source,
            repository,
            tags: options.tags.clone(),
            except: options.except.clone(),
            verify_keys: verify_keys.clone(),
            interval_seconds: options.interval,
        };
        let mirror: Mirror = api.client.post(&["organizations", organization, "mirrors"], &new)?;
        started.push(if options.wait { wait(api, &mirror, None)? } else { mirror });
    }
    match started.as_slice() {
        [mirror] => show(api, mirror),
        mirrors => print_list(api, mirrors),
    }
}

/// Reads what is to be mirrored: one source with or without a repository, or pairs of both.
fn wishes(source: Option<&str>, repos: &[String]) -> Result<Vec<(String, Option<String>)>, anyhow::Error> {
    let pairs: Vec<Option<(&str, &str)>> = repos.iter().map(|text| text.split_once(',')).collect();
    match (source, pairs.as_slice()) {
        (Some(source), []) => Ok(vec![(source.to_owned(), None)]),
        (Some(source), [None]) => Ok(vec![(source.to_owned(), Some(repos[0].clone()))]),
        (None, pairs) if pairs.iter().all(Option::is_some) => {
            let pairs = pairs.iter().flatten();
            Ok(pairs
                .map(|(source, repository)| ((*source).to_owned(), Some((*repository).to_owned())))
                .collect())
        }
        _ => Err(Failure::usage(anyhow!("it is not clear what goes where"))
            .hint("write `SOURCE --repo REPOSITORY`, or `--repo SOURCE,REPOSITORY` for each")
            .into()),
    }
}

fn read_key(file: &std::path::Path) -> Result<String, anyhow::Error> {
    use std::io::Read as _;
    let read = || -> Result<String, std::io::Error> {
        let mut text = String::new();
        std::fs::File::open(file)?.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    };
    read().with_context(|| format!("key `{}` cannot be read", file.display())).map_err(|error| {
        Failure::usage(error).hint("name the file of a public key, as `cosign.pub` is").into()
    })
}

fn list(api: &Api, organization: &str) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Mirror> = api.client.list(&["organizations", organization, "mirrors"], &[], None)?;
    print_list(api, &found)
}

fn print_list(api: &Api, mirrors: &[Mirror]) -> Result<ExitCode, anyhow::Error> {
    api.print_list(mirrors, &["repository", "source", "state", "tags", "refused", "succeeded"], |mirror| {
        let tags = if mirror.kind == "registry" {
            mirror.mirrored.len()
        } else {
            mirror.lines.iter().map(|line| line.tags.len()).sum()
        };
        vec![
            mirror.repository.clone(),
            mirror.source.clone(),
            mirror.state.clone(),
            tags.to_string(),
            mirror.refused.len().to_string(),
            mirror.succeeded_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    })
}

fn sync(api: &Api, options: &cli::MirrorSync) -> Result<ExitCode, anyhow::Error> {
    let place = path(&options.repository)?;
    let before: Mirror = api.client.get(&place)?;
    let [organizations, organization, mirrors, name] = place;
    let body = serde_json::json!({});
    let mirror = api.client.post(&[organizations, organization, mirrors, name, "sync"], &body)?;
    if options.wait { show(api, &wait(api, &mirror, Some(&before))?) } else { show(api, &mirror) }
}

/// Waits for the end of a look that began after `before`; one that failed is a failure.
fn wait(api: &Api, mirror: &Mirror, before: Option<&Mirror>) -> Result<Mirror, anyhow::Error> {
    let mut shown = String::new();
    loop {
        let now: Mirror = api.client.get(&path(&mirror.repository)?)?;
        let is_new = before.is_none_or(|before| {
            (&before.started_at, &before.finished_at) != (&now.started_at, &now.finished_at)
        });
        match now.state.as_str() {
            "failed" if is_new => {
                let failure = now.failure.unwrap_or_default();
                return Err(anyhow!(
                    "mirror `{}` could not be brought up to date: {failure}",
                    now.repository
                ));
            }
            "succeeded" if is_new => return Ok(now),
            _ => {}
        }
        let line = progress(&now);
        if line != shown {
            tell(&line);
            shown = line;
        }
        std::thread::sleep(ASK_INTERVAL);
    }
}

fn progress(mirror: &Mirror) -> String {
    let progress = &mirror.progress;
    let bytes = |bytes: u64| printing::bytes(Some(bytes));
    format!(
        "{}: {}, {} of {} tags, {} of {}",
        mirror.repository,
        mirror.state,
        progress.tags_done,
        progress.tags,
        bytes(progress.bytes_done),
        bytes(progress.bytes)
    )
}

/// Tells how far something is: in one place on a terminal, else line by line.
fn tell(line: &str) {
    let mut output = std::io::stderr().lock();
    // Nobody reading is no fault of the work.
    let _ = if output.is_terminal() {
        write!(output, "\r\x1b[2K{line}").and_then(|()| output.flush())
    } else {
        writeln!(output, "{line}")
    };
}

fn stop(api: &Api, options: &cli::MirrorStop) -> Result<ExitCode, anyhow::Error> {
    let repository = &options.repository;
    let place = path(repository)?;
    asking::confirm(&format!("stopping mirror `{repository}`"), options.force.force)?;
    api.client.delete(&place, &[])?;
    api.print_done(&format!("mirror {repository} is stopped; what is there stays"))
}

fn show(api: &Api, mirror: &Mirror) -> Result<ExitCode, anyhow::Error> {
    let or_never = |time: &Option<String>| time.clone().unwrap_or_else(|| "never".to_owned());
    api.print(mirror, || {
        let mut text = printing::fields(&[
            ("repository", mirror.repository.clone()),
            ("source", mirror.source.clone()),
            ("kind", mirror.kind.clone()),
            ("only tags", mirror.tags.join(", ")),
            ("except", mirror.except.join(", ")),
            (
                "verified by",
                match mirror.verify_keys.len() {
                    0 => String::new(),
                    count => printing::counted(count, "key", "keys"),
                },
            ),
            ("state", mirror.state.clone()),
            ("failure", mirror.failure.clone().unwrap_or_default()),
            ("succeeded", or_never(&mirror.succeeded_at)),
            ("next look", mirror.next_at.clone()),
            (
                "moved",
                format!("{} tags, {} removed", mirror.progress.tags_moved, mirror.progress.tags_removed),
            ),
        ]);
        let lines: Vec<Vec<String>> = mirror
            .lines
            .iter()
            .map(|line| vec![line.tag_definition_id.clone(), line.tags.join(", ")])
            .collect();
        section(&mut text, &["line", "tags"], &lines);
        let tags: Vec<Vec<String>> = mirror
            .mirrored
            .iter()
            .take(TAGS_SHOWN_MAX)
            .map(|tag| vec![tag.tag.clone(), tag.digest.clone()])
            .collect();
        section(&mut text, &["tag", "digest"], &tags);
        if mirror.mirrored.len() > TAGS_SHOWN_MAX {
            let more = mirror.mirrored.len() - TAGS_SHOWN_MAX;
            let _ = writeln!(text, "and {more} more; `--json` names all");
        }
        let refused: Vec<Vec<String>> =
            mirror.refused.iter().map(|refused| vec![refused.tag.clone(), refused.reason.clone()]).collect();
        section(&mut text, &["left out", "because"], &refused);
        text
    })
}

fn section(text: &mut String, head: &[&str], rows: &[Vec<String>]) {
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&printing::table(head, rows));
    }
}

#[cfg(test)]
mod tests {
    use super::wishes;

    #[test]
    fn what_goes_where_is_read_in_both_forms() {
        let check = |source: Option<&str>, repos: &[&str], expected: Option<&[(&str, Option<&str>)]>| {
            let repos: Vec<String> = repos.iter().map(|text| (*text).to_owned()).collect();
            let found = wishes(source, &repos).ok();
            let expected = expected.map(|pairs| {
                let owned =
                    |(one, other): &(&str, Option<&str>)| ((*one).to_owned(), other.map(str::to_owned));
                pairs.iter().map(owned).collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{source:?} {repos:?}");
        };
        check(Some("python"), &[], Some(&[("python", None)]));
        check(Some("python"), &["acme/p"], Some(&[("python", Some("acme/p"))]));
        check(
            None,
            &["dhi/a,acme/a", "dhi/b,acme/b"],
            Some(&[("dhi/a", Some("acme/a")), ("dhi/b", Some("acme/b"))]),
        );
        check(None, &["acme/a"], None);
        check(Some("python"), &["dhi/a,acme/a"], None);
        check(Some("python"), &["acme/a", "acme/b"], None);
    }
}
