//! `bench hub`: a thousand customizations over ten bases, of which one moves: how soon its hundred follow, and at what
//! cost.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bench::page::write_section;
use crate::e2e::{Server, free_address};
use crate::http::send;
use crate::report::Table;
use crate::temper::Temper;
use crate::workspace::Workspace;

const BASES: usize = 10;
const CUSTOMIZATIONS_OF_BASE: usize = 100;
/// The base that moves.
const MOVED: usize = 3;

/// The image that every base is made from.
const DEFINITION: &str = "static/debian-13/13";

const TITLE: &str = "A thousand customizations";

/// Longest wait for builds.
const PATIENCE: Duration = Duration::from_mins(20);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Use this `temper` instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// A server with somebody who is logged in to it.
struct Hub<'a> {
    temper: &'a Temper,
    directory: &'a Path,
    server: Server,
    token: String,
}

/// What was measured.
struct Measured {
    create_seconds: f64,
    first_builds_seconds: f64,
    rebuilds_seconds: f64,
    rebuild_bytes: u64,
    peak_kib: u64,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let temper = match &arguments.binary {
        Some(binary) => Temper::at(binary.canonicalize()?),
        None => Temper::build_release(workspace)?,
    };
    let directory = workspace.scratch("bench-hub");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let measured = measure(&Hub::start(&temper, &directory)?)?;
    let table = table(&measured);
    println!("{table}");
    write_section(workspace, TITLE, &introduction(), &table)
}

fn measure(hub: &Hub) -> Result<Measured> {
    let root = format!("oci:{}:latest", hub.directory.join("root").display());
    hub.temper(&["catalog", "build", DEFINITION, "--no-sign", "--output", &root])?;
    for base in 0..BASES {
        hub.push_base(&root, base, "first")?;
    }
    let folder = hub.directory.join("customizations");
    write_customizations(&folder)?;
    let start = Instant::now();
    hub.temper(&["customization", "apply", "-f", &folder.to_string_lossy(), "--org", "acme", "--force"])?;
    let create_seconds = start.elapsed().as_secs_f64();
    for base in 0..BASES {
        hub.wait_for(base, 1)?;
    }
    let first_builds_seconds = start.elapsed().as_secs_f64();
    // What the server does by itself now and then does not count.
    let written = hub.written_bytes()?;
    let start = Instant::now();
    hub.push_base(&root, MOVED, "second")?;
    hub.wait_for(MOVED, 2)?;
    let rebuilds_seconds = start.elapsed().as_secs_f64();
    let rebuild_bytes = (hub.written_bytes()? - written) / CUSTOMIZATIONS_OF_BASE as u64;
    for base in 0..BASES {
        let expected = if base == MOVED { 2 } else { 1 };
        let builds = hub.builds(base, "")?.len();
        ensure!(
            builds == expected * CUSTOMIZATIONS_OF_BASE,
            "base {base} has {builds} builds, expected {expected} of each of {CUSTOMIZATIONS_OF_BASE}"
        );
    }
    let peak_kib = hub.peak_kib()?;
    Ok(Measured { create_seconds, first_builds_seconds, rebuilds_seconds, rebuild_bytes, peak_kib })
}

impl<'a> Hub<'a> {
    /// Starts a server over an empty folder, logs in as its first user, and makes an organization.
    fn start(temper: &'a Temper, directory: &'a Path) -> Result<Self> {
        let address = free_address()?;
        let data = directory.join("data");
        let command = temper.command().env("HOME", directory).args(["serve", "--json", "--listen"]);
        let command = command.arg(address.to_string()).arg("--data-dir").arg(&data);
        let server = Server::start_at(address, command, &directory.join("serve.log"))?;
        let said = server.said()?;
        let password = said["admin_password"].as_str().context("the password is shown")?;
        let auth = STANDARD.encode(format!("admin:{password}"));
        let logins = json!({ "auths": { (address.to_string()): { "auth": auth } } });
        fs::write(directory.join("config.json"), logins.to_string())?;
        let body = json!({ "user": "admin", "password": password }).to_string();
        let session = ask(address, "POST", "/sessions", None, &body)?;
        let token = session["token"].as_str().context("no token")?.to_owned();
        let hub = Self { temper, directory, server, token };
        hub.temper(&["org", "create", "acme"])?;
        Ok(hub)
    }

    /// Runs a command as the first user.
    fn temper(&self, arguments: &[&str]) -> Result<String> {
        let address = format!("http://{}", self.server.address());
        let command = self.temper.command().env("HOME", self.directory).env("DOCKER_CONFIG", self.directory);
        let command = command.env("TEMPER_SERVER", address).env("TEMPER_TOKEN", &self.token);
        command.env("XDG_DATA_HOME", self.directory.join("own-data")).args(arguments).output()
    }

    /// Pushes a base that differs from every other.
    fn push_base(&self, root: &str, base: usize, content: &str) -> Result<()> {
        let file = self.directory.join(format!("base-{base}.yaml"));
        let document = format!(
            "name: base\ntargets:\n  - {{destination: acme/base-{base}, tag: \"1\"}}\n\
             paths:\n  - {{path: /etc/base, contents: \"{base} {content}\", mode: \"0644\", uid: 0, gid: 0}}\n"
        );
        fs::write(&file, document)?;
        let output = format!("{}/acme/base-{base}:1", self.server.address());
        let build = ["build", &file.to_string_lossy(), "--base", root, "--output", &output, "--no-sign"];
        self.temper(&build).map(drop)
    }

    /// Waits until every customization of a base has as many successful builds.
    fn wait_for(&self, base: usize, number: i64) -> Result<()> {
        let start = Instant::now();
        loop {
            let builds = self.builds(base, "&state=succeeded")?;
            let done = builds.iter().filter(|build| build["number"] == number).count();
            if done == CUSTOMIZATIONS_OF_BASE {
                return Ok(());
            }
            let failed = self.builds(base, "&state=failed")?;
            ensure!(failed.is_empty(), "a build failed: {}", failed[0]);
            ensure!(start.elapsed() < PATIENCE, "only {done} of base {base} are built");
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn builds(&self, base: usize, filter: &str) -> Result<Vec<Value>> {
        let path = format!("/builds?repository=acme/base-{base}&limit=500{filter}");
        let found = ask(self.server.address(), "GET", &path, Some(&self.token), "")?;
        Ok(found["items"].as_array().context("no items")?.clone())
    }

    /// Bytes that the server handed to block devices so far.
    fn written_bytes(&self) -> Result<u64> {
        self.counter("io", "write_bytes: ")
    }

    fn peak_kib(&self) -> Result<u64> {
        self.counter("status", "VmHWM:")
    }

    fn counter(&self, file: &str, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/{file}", self.server.process_id());
        let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)).context("no such counter")?;
        value.trim().trim_end_matches(" kB").parse().context("reading a counter")
    }
}

/// Asks the API and expects success.
fn ask(address: SocketAddr, method: &str, path: &str, token: Option<&str>, body: &str) -> Result<Value> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let answer = send(address, method, &format!("/api/v1{path}"), &headers, body.as_bytes())?;
    ensure!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
    Ok(serde_json::from_slice(&answer.body)?)
}

fn write_customizations(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for base in 0..BASES {
        for number in 0..CUSTOMIZATIONS_OF_BASE {
            let name = format!("c{base}-{number:03}");
            let document = format!(
                "name: {name}\ntargets:\n  - {{destination: acme/base-{base}, tag: \"1\"}}\n\
                 paths:\n  - {{path: /etc/custom, contents: \"{name}\", mode: \"0644\", uid: 0, gid: 0}}\n\
                 environment: {{CUSTOM: \"{number}\"}}\n"
            );
            fs::write(folder.join(format!("{name}.yaml")), document)?;
        }
    }
    Ok(())
}

fn introduction() -> String {
    format!(
        "One server with SQLite and two workers keeps {} customizations (a file, a variable) over {BASES} bases of one \
         layer more than `{DEFINITION}`, signed and attested. Then one base moves; the clock runs from the beginning \
         of its push to the end of the last of its {CUSTOMIZATIONS_OF_BASE} rebuilds. Each of them ran once, and \
         nothing else was built. Written by `cargo xtask bench hub`.",
        BASES * CUSTOMIZATIONS_OF_BASE
    )
}

fn table(measured: &Measured) -> String {
    let mut table = Table::new(&["", "measured"]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    row("1,000 customizations accepted", format!("{:.1} s", measured.create_seconds));
    row("their first builds done", format!("{:.1} s", measured.first_builds_seconds));
    row("100 rebuilds after a base moved", format!("{:.1} s", measured.rebuilds_seconds));
    let each = measured.rebuilds_seconds * 1000.0 / CUSTOMIZATIONS_OF_BASE as f64;
    row("for each of them", format!("{each:.0} ms"));
    row("written to disk for each rebuild", format!("{} KiB", measured.rebuild_bytes >> 10));
    row("largest memory of the server", format!("{} MiB", measured.peak_kib >> 10));
    table.markdown()
}
