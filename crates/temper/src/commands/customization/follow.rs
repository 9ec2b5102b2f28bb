//! Following the log of a build: a bar on a terminal, plain lines elsewhere.

use std::process::ExitCode;

use reqwest::Method;
use serde::de::DeserializeOwned;
use temper_compose::{Event, Log as _, Step};
use temper_web::{Build, BuildEvent};

use crate::commands::api::Api;
use crate::progress::Progress;

/// Longest line of a stream of events, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;

/// How often a stream that broke off is taken up again without having brought anything.
const TRIES_MAX: u32 = 5;

/// Follows builds one after another until each has ended; fails where one failed.
pub(super) fn follow_all(api: &Api, builds: &[&str]) -> Result<ExitCode, anyhow::Error> {
    let ended: Vec<Build> = builds.iter().map(|id| follow(api, id)).collect::<Result<_, _>>()?;
    api.print(&serde_json::json!({ "builds": ended }), || ended.iter().map(line).collect())?;
    let is_good = ended.iter().all(|build| ["succeeded", "unchanged"].contains(&build.state.as_str()));
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows the log of a build as it is written, and returns the build when it has ended.
fn follow(api: &Api, id: &str) -> Result<Build, anyhow::Error> {
    let progress = Progress::new();
    let (mut after, mut tries) = (0, 0);
    loop {
        let query = after.to_string();
        let request = api.client.request(Method::GET, &["builds", id, "log"], &[("after", &query)]);
        let mut events = Events::default();
        let (mut ended, before) = (None, after);
        let streamed = api.client.stream(request, |piece| {
            for (name, data) in events.push(piece)? {
                match name.as_str() {
                    "event" => {
                        let event: BuildEvent = read(&data)?;
                        after = event.sequence;
                        progress.event(shown(event));
                    }
                    "end" => ended = Some(read::<Build>(&data)?),
                    _ => {}
                }
            }
            Ok(ended.is_none())
        });
        if let Some(build) = ended {
            progress.finish();
            return Ok(build);
        }
        tries = if after > before { 0 } else { tries + 1 };
        // A proxy may have closed the stream; the log is still there.
        if tries > TRIES_MAX {
            streamed?;
            return Err(anyhow::anyhow!("the log of build `{id}` broke off"));
        }
    }
}

fn read<T: DeserializeOwned>(data: &str) -> Result<T, anyhow::Error> {
    Ok(serde_json::from_str(data)?)
}

/// Returns an event as the log of a build on this machine would have it.
pub(super) fn shown(event: BuildEvent) -> Event {
    let step = match event.step.as_str() {
        "fetch" => Step::Fetch,
        "compose" => Step::Compose,
        "publish" => Step::Publish,
        _ => Step::Resolve,
    };
    let level = if event.level == "info" { String::new() } else { format!("{}: ", event.level) };
    Event {
        step,
        platform: event.platform,
        message: format!("{level}{}", event.message),
        progress: event.done.zip(event.total),
        is_bytes: event.is_bytes,
    }
}

/// Writes in one line what became of a build.
pub(super) fn line(build: &Build) -> String {
    let result = match (&build.digest, &build.error) {
        (Some(digest), _) => format!("{digest} as {}", build.tags.join(", ")),
        (None, Some(error)) => error.message.clone(),
        (None, None) => String::new(),
    };
    format!("build {} of {} {}  {result}\n", build.number, build.destination, build.state)
}

/// Takes a stream of server-sent events apart,
/// see [the standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
#[derive(Default)]
struct Events {
    line: Vec<u8>,
    name: String,
    data: Vec<String>,
}

impl Events {
    /// Takes a piece of the stream; returns the events that are complete, name and data.
    fn push(&mut self, piece: &[u8]) -> Result<Vec<(String, String)>, anyhow::Error> {
        let mut events = Vec::new();
        for byte in piece {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() > LINE_BYTES_MAX {
                    return Err(anyhow::anyhow!("a line of the log has more than {LINE_BYTES_MAX} bytes"));
                }
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            events.extend(self.take_line(line.trim_end_matches('\r')));
        }
        Ok(events)
    }

    fn take_line(&mut self, line: &str) -> Option<(String, String)> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (!data.is_empty()).then(|| (name, data.join("\n")));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_the_stream_is_cut() {
        let stream =
            "event: event\nid: 1\ndata: {\"a\":1}\n\n: ping\n\nevent: end\r\ndata: one\r\ndata: two\r\n\r\n";
        let expected =
            [("event".to_owned(), "{\"a\":1}".to_owned()), ("end".to_owned(), "one\ntwo".to_owned())];
        for size in 1..stream.len() {
            let mut events = Events::default();
            let pieces = stream.as_bytes().chunks(size);
            let found: Vec<_> = pieces.flat_map(|piece| events.push(piece).expect("is short")).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }
}
