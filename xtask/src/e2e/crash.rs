//! `kill -9` during pushes, a hundred times: no acknowledged push is lost, and nothing stays behind.
//!
//! Clients push blobs and manifests in every way that the specification knows, and write down what was acknowledged.
//! The server is killed at random moments of a printed seed and started again over the same folder; broken uploads are
//! taken up where the server says that they are. Collectors run beside the pushes. At the end all that was acknowledged
//! is read back, and the folder holds the blobs of the manifests that are there, and nothing else.

pub(in crate::e2e) mod content;
mod ledger;
mod pusher;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::e2e::crash::content::{Blob, Random, digest};
use crate::e2e::crash::ledger::Ledger;
use crate::e2e::crash::pusher::Pusher;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::http::send;

const KILLS: u32 = 100;
const PUSHERS: u64 = 4;
/// The shortest and the longest life of a server after it listens, in milliseconds.
const LIFE_MILLISECONDS: std::ops::Range<u64> = 10..400;
/// After how many kills a collector of another process runs beside the pushes.
const COLLECT_EVERY: u32 = 4;
/// Fewer would mean that the server was hardly ever reached.
const ACKNOWLEDGED_MIN: usize = 200;
/// Chooses contents, ways and moments; another one finds other things.
const SEED_VARIABLE: &str = "TEMPER_CRASH_SEED";

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let data = scenario.path("data");
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{SEED_VARIABLE}={text}"))?,
        Err(_) => 1,
    };
    let ledger = Mutex::new(Ledger::default());
    scenario.setup("a_server_is_killed_a_hundred_times", || kill(scenario, &data, seed, &ledger))?;
    let ledger = ledger.into_inner().expect("no pusher has panicked");
    scenario.check("no_acknowledged_push_is_lost", || {
        let server = serve(scenario, &data)?;
        ledger.read_back(server.address())
    });
    scenario.check("no_visible_blob_has_a_wrong_digest", || check(scenario, &data));
    scenario.check("the_collector_leaves_nothing_behind_and_takes_nothing_in_use", || {
        collect(scenario, &data, "0s")?;
        let server = serve(scenario, &data)?;
        ensure!(stored(&data)? == ledger.needed(server.address())?, "the folder differs from what is needed");
        let staged = fs::read_dir(data.join("registry/uploads"))?.count();
        ensure!(staged == 0, "{staged} staged files stay");
        ledger.read_back_manifests(server.address())?;
        check(scenario, &data)
    });
    Ok(())
}

/// Pushes and kills; every failure that is not the death of the server ends it.
fn kill(scenario: &Scenario, data: &Path, seed: u64, ledger: &Mutex<Ledger>) -> Result<()> {
    println!("{SEED_VARIABLE}={seed}");
    let start = Instant::now();
    // The first start makes the registry, which the collector wants to be there.
    send(serve(scenario, data)?.address(), "GET", "/v2/", &[], &[])?;
    let mut random = Random::new(seed);
    let mut pushers: Vec<Pusher> = (0..PUSHERS).map(|number| Pusher::new(number, seed, ledger)).collect();
    for round in 0..KILLS {
        let server = serve(scenario, data)?;
        let (address, life) = (server.address(), Duration::from_millis(random.within(LIFE_MILLISECONDS)));
        thread::scope(|scope| -> Result<()> {
            let threads: Vec<_> =
                pushers.iter_mut().map(|pusher| scope.spawn(move || pusher.run(address))).collect();
            if round % COLLECT_EVERY == 0 {
                collect(scenario, data, "24h")?;
            }
            thread::sleep(life);
            drop(server);
            for thread in threads {
                thread.join().expect("a pusher does not panic").with_context(|| format!("round {round}"))?;
            }
            Ok(())
        })?;
    }
    let ledger = ledger.lock().expect("no pusher has panicked");
    let (pushes, resumed) = (ledger.acknowledged(), ledger.resumed);
    println!(
        "{pushes} pushes acknowledged, {resumed} uploads taken up again, {:.0} s",
        start.elapsed().as_secs_f64()
    );
    ensure!(pushes >= ACKNOWLEDGED_MIN, "only {pushes} pushes were acknowledged");
    ensure!(resumed > 0, "no upload was broken and taken up again");
    Ok(())
}

fn serve(scenario: &Scenario, data: &Path) -> Result<crate::e2e::Server> {
    scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()])
}

fn collect(scenario: &Scenario, data: &Path, grace: &str) -> Result<()> {
    let client = scenario.temper().args(["registry", "gc", "--json", "--grace", grace]);
    client.args(["--data-dir".as_ref(), data.as_os_str()]).succeeds().map(drop)
}

/// Lets the server's own check read everything.
fn check(scenario: &Scenario, data: &Path) -> Result<()> {
    let client = scenario.temper().args(["registry", "check", "--json"]);
    let checked = image::json(&client.args(["--data-dir".as_ref(), data.as_os_str()]).succeeds()?)?;
    let none = serde_json::json!([]);
    ensure!(checked["damages"] == none && checked["dangling"] == none, "{checked}");
    ensure!(checked["blobs"].as_u64().is_some_and(|count| count > 0), "{checked}");
    Ok(())
}

/// The digests of all blobs in the folder, each of which must be there once and have the bytes of its name.
fn stored(data: &Path) -> Result<BTreeSet<String>> {
    let mut stored = BTreeSet::new();
    for entry in fs::read_dir(data.join("registry/blobs/sha256"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name that is no text")?;
        let hex = name.split_once('.').map_or(name, |(hex, _)| hex);
        let expected = format!("sha256:{hex}");
        ensure!(digest(&fs::read(&path)?) == expected, "{} has other bytes", path.display());
        ensure!(stored.insert(expected), "{} is there twice", path.display());
    }
    Ok(stored)
}

/// Reads a blob and compares it with what was pushed.
fn read_blob(address: SocketAddr, repository: &str, blob: &Blob) -> Result<()> {
    let answer = send(address, "GET", &format!("/v2/{repository}/blobs/{}", blob.digest), &[], &[])?;
    if answer.status != 200 {
        bail!("blob {} of {repository} is lost: {}", blob.digest, answer.text());
    }
    ensure!(answer.body == blob.bytes(), "blob {} of {repository} has other bytes", blob.digest);
    Ok(())
}
