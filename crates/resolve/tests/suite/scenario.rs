//! Runs `tests/scenarios/<topic>/<name>.toml`: an archive, a base, a request, and what has to come out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use temper_deb::index::PackageIndex;
use temper_deb::status::StatusDatabase;
use temper_resolve::{
    Action, ForbidMode, IndexSource, Inputs, Request, Resolution, ResolveError, Universe, Wanted, resolve,
};

use crate::stanza::{Facts, Versions, index_text, status_text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[expect(dead_code, reason = "it is for the reader")]
    description: String,
    /// Suites in the order of their names.
    archive: BTreeMap<String, Suite>,
    #[serde(default)]
    installed: BTreeMap<String, Facts>,
    request: RequestText,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    #[serde(default)]
    not_automatic: bool,
    #[serde(default)]
    but_automatic_upgrades: bool,
    packages: BTreeMap<String, Versions>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestText {
    #[serde(default)]
    install: Vec<String>,
    #[serde(default)]
    forbid: Vec<String>,
    #[serde(default)]
    waive: bool,
}

/// Fields that are absent have to come out empty, but for `reasons` and `order`, which are compared when given.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expected {
    install: BTreeMap<String, String>,
    upgrade: BTreeMap<String, String>,
    remove: Vec<String>,
    keep: Vec<String>,
    waived: Vec<String>,
    idle: Vec<String>,
    error: Option<String>,
    hint: Option<String>,
    reasons: BTreeMap<String, String>,
    order: Vec<String>,
}

#[test]
fn scenarios_come_out_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths = Vec::new();
    for topic in sorted_entries(&root) {
        paths.extend(sorted_entries(&topic));
    }
    assert!(!paths.is_empty());
    let mut failures = String::new();
    for path in &paths {
        let scenario: Scenario = toml::from_str(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found = run(&scenario);
        if found != scenario.expected {
            let name = path.strip_prefix(&root).unwrap().display();
            writeln!(failures, "{name}:\n  expected {:?}\n  found    {found:?}", scenario.expected).unwrap();
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn run(scenario: &Scenario) -> Expected {
    let universe = |architecture| {
        let sources = scenario.archive.iter().map(|(name, suite)| IndexSource {
            not_automatic: suite.not_automatic,
            but_automatic_upgrades: suite.but_automatic_upgrades,
            ..IndexSource::new(
                Arc::new(PackageIndex::parse(index_text(&suite.packages)).unwrap()),
                name,
                "main",
            )
        });
        Universe::new(architecture, sources.collect())
    };
    let (native, other) = (universe("amd64"), universe("arm64"));
    let installed = StatusDatabase::parse(Some(status_text(&scenario.installed)), Vec::new()).unwrap();
    let inputs = Inputs { universe: &native, installed: &installed, other_architectures: &[&other] };
    let found = resolve(&inputs, &scenario.request.read());
    assert_eq!(
        found.as_ref().map(|resolution| format!("{resolution:?}")),
        resolve(&inputs, &scenario.request.read()).as_ref().map(|resolution| format!("{resolution:?}")),
        "a resolution depends on nothing but its inputs"
    );
    match found {
        Ok(resolution) => describe(&resolution, &scenario.expected),
        Err(error) => describe_error(&error),
    }
}

fn describe(resolution: &Resolution, expected: &Expected) -> Expected {
    let mut found = Expected::default();
    for chosen in &resolution.install {
        let (name, version) = (chosen.name().to_owned(), chosen.version());
        if expected.reasons.contains_key(&name) {
            found.reasons.insert(name.clone(), chosen.reason.to_string());
        }
        match &chosen.action {
            Action::Install => found.install.insert(name, version.to_owned()),
            Action::Upgrade { from } => found.upgrade.insert(name, format!("{from} -> {version}")),
        };
    }
    if !expected.order.is_empty() {
        let order = resolution.configure_order().into_iter();
        found.order = order.map(|position| resolution.install[position].name().to_owned()).collect();
    }
    found.remove = resolution.remove.iter().map(|package| package.name.clone()).collect();
    found.keep = resolution.keep.iter().map(|package| package.name.clone()).collect();
    found.idle = resolution
        .idle
        .iter()
        .map(|idle| [&[idle.name.clone()][..], &idle.nearest].concat().join(" ~ "))
        .collect();
    let waived = resolution.waived.iter();
    found.waived = waived
        .map(|one| format!("{} needs {} of {}", one.package, one.relation, one.forbidden.join(", ")))
        .collect();
    found
}

fn describe_error(error: &ResolveError) -> Expected {
    Expected { error: Some(error.to_string()), hint: error.hint(), ..Expected::default() }
}

impl RequestText {
    fn read(&self) -> Request {
        let wanted = self.install.iter().map(|word| match word.split_once('=') {
            Some((name, version)) => Wanted { name: name.to_owned(), version: Some(version.to_owned()) },
            None => Wanted::new(word),
        });
        Request {
            install: wanted.collect(),
            forbid: self.forbid.iter().cloned().collect(),
            forbid_mode: if self.waive { ForbidMode::Waive } else { ForbidMode::Refuse },
        }
    }
}
