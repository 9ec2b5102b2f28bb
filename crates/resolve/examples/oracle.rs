//! Compares resolutions with recorded answers of apt.
//!
//! `oracle ARCHITECTURE STATUS|- ANSWERS PACKAGES...`: `PACKAGES` are index files in the order of a source list,
//! `STATUS` is a dpkg status file, and `ANSWERS` a folder where `x.req` holds a request as apt takes it, `x.rc` apt's
//! exit code, and `x.out` what changes, one `name=version` a line (`~` before an upgrade).

#![expect(clippy::print_stdout, reason = "this example is a command")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use temper_deb::index::PackageIndex;
use temper_deb::status::StatusDatabase;
use temper_resolve::{Action, IndexSource, Inputs, Request, Resolution, Universe, Wanted, resolve};

type Answer = Result<BTreeSet<String>, String>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [architecture, status, answers, packages @ ..] = arguments.as_slice() else {
        return Err("usage: oracle ARCHITECTURE STATUS|- ANSWERS PACKAGES...".into());
    };
    let start = Instant::now();
    let mut sources = Vec::new();
    for path in packages {
        let index = PackageIndex::parse(fs::read_to_string(path)?)?;
        let suite = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        sources.push(IndexSource::new(Arc::new(index), suite, "main"));
    }
    println!("indexes read in {:?}", start.elapsed());
    let start = Instant::now();
    let universe = Universe::new(architecture, sources);
    println!("universe built in {:?}", start.elapsed());
    let status = if status == "-" { None } else { Some(fs::read_to_string(status)?) };
    let installed = StatusDatabase::parse(status, Vec::new())?;
    let inputs = Inputs { universe: &universe, installed: &installed, other_architectures: &[] };
    let (mut count, mut equal, mut time) = (0, 0, Duration::ZERO);
    for (words, expected) in recorded(Path::new(answers))? {
        let start = Instant::now();
        let found = resolve(&inputs, &request(&words)).map(|resolution| lines(&resolution));
        let took = start.elapsed();
        time += took;
        count += 1;
        let found = found.map_err(|error| error.to_string());
        if is_equal(&expected, &found) {
            equal += 1;
        } else {
            println!("\n{words} ({took:?})");
            report(&expected, &found);
        }
    }
    println!("\n{equal} of {count} equal, {time:?}");
    Ok(())
}

fn recorded(folder: &Path) -> Result<Vec<(String, Answer)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "req") {
            continue;
        }
        let words = fs::read_to_string(&path)?.trim().to_owned();
        let answer = if fs::read_to_string(path.with_extension("rc"))?.trim() == "0" {
            Ok(fs::read_to_string(path.with_extension("out"))?.lines().map(str::to_owned).collect())
        } else {
            Err(fs::read_to_string(path.with_extension("err"))?)
        };
        all.push((words, answer));
    }
    all.sort();
    Ok(all)
}

fn request(words: &str) -> Request {
    let mut request = Request::default();
    for word in words.split_whitespace() {
        let (name, version) = match word.split_once('=') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (word, None),
        };
        request.install.push(Wanted { name: name.to_owned(), version });
    }
    request
}

fn lines(resolution: &Resolution) -> BTreeSet<String> {
    let installs = resolution.install.iter().map(|chosen| {
        let mark = if matches!(chosen.action, Action::Upgrade { .. }) { "~" } else { "" };
        format!("{mark}{}={}", chosen.name(), chosen.version())
    });
    installs.collect()
}

fn is_equal(expected: &Answer, found: &Answer) -> bool {
    match (expected, found) {
        (Ok(expected), Ok(found)) => expected == found,
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

fn report(expected: &Answer, found: &Answer) {
    match (expected, found) {
        (Ok(expected), Ok(found)) => {
            println!("  only apt:  {:?}", expected.difference(found).collect::<Vec<_>>());
            println!("  only here: {:?}", found.difference(expected).collect::<Vec<_>>());
        }
        (Ok(expected), Err(error)) => println!("  apt installs {}, here: {error}", expected.len()),
        (Err(error), Ok(found)) => println!("  apt refuses: {error}\n  here {} packages", found.len()),
        (Err(_), Err(_)) => {}
    }
}
