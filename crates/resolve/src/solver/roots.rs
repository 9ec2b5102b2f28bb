//! Finds the packages that a request names.

use temper_deb::compare_versions;

use crate::nearest::nearest_names;
use crate::problem::{Problem, ResolveError};
use crate::request::{Request, Wanted};
use crate::universe::{RecordId, Universe};
use crate::world::World;

/// Unknown names that get suggestions.
const SUGGESTIONS_MAX: usize = 8;

/// The record for each requested name, in the order of the request, or every name that has none.
pub(super) fn find<'a>(
    world: &World<'a>,
    request: &'a Request,
    others: &[&Universe],
) -> Result<Vec<(&'a str, RecordId)>, ResolveError> {
    let mut found: Vec<(&'a str, RecordId)> = Vec::new();
    let mut problems = Vec::new();
    for wanted in &request.install {
        match find_one(world, request, wanted, others) {
            Ok(id) => match found.iter().find(|(name, _)| *name == world.name(id)) {
                None => found.push((world.name(id), id)),
                Some((_, first)) if *first == id => {}
                Some((name, first)) => problems.push(Problem::TwoVersions {
                    name: (*name).to_owned(),
                    first: world.record(*first).version().to_owned(),
                    second: world.record(id).version().to_owned(),
                }),
            },
            Err(problem) => problems.push(problem),
        }
    }
    suggest(world, &mut problems);
    if problems.is_empty() { Ok(found) } else { Err(ResolveError { problems }) }
}

/// Adds names that are spelled almost so to the first unknown names; each search reads all names of the archive.
fn suggest(world: &World<'_>, problems: &mut [Problem]) {
    let unknown = problems.iter_mut().filter_map(|problem| match problem {
        Problem::NotFound { name, nearest, .. } => Some((name, nearest)),
        _ => None,
    });
    let mut names = None;
    for (name, nearest) in unknown.take(SUGGESTIONS_MAX) {
        *nearest = nearest_names(name, names.get_or_insert_with(|| world.universe.package_names()));
    }
}

fn find_one<'a>(
    world: &World<'a>,
    request: &Request,
    wanted: &'a Wanted,
    others: &[&Universe],
) -> Result<RecordId, Problem> {
    let name = wanted.name.as_str();
    let id = match &wanted.version {
        Some(version) => find_version(world, name, version, others),
        None => world.candidate(name).map_or_else(|| find_provider(world, name, others), Ok),
    }?;
    if request.forbid.contains(world.name(id)) {
        return Err(Problem::Contradiction { name: world.name(id).to_owned() });
    }
    Ok(id)
}

fn find_version<'a>(
    world: &World<'a>,
    name: &'a str,
    version: &str,
    others: &[&Universe],
) -> Result<RecordId, Problem> {
    if let Some(id) = world.version(name, version) {
        return not_lowered(world, name, id);
    }
    let available = world.available_versions(name);
    if available.is_empty() {
        return Err(not_found(world, name, others));
    }
    Err(Problem::VersionNotFound {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: world.universe.architecture().to_owned(),
        available,
    })
}

/// An older version than the installed one is refused, as apt refuses it where nobody can be asked.
fn not_lowered(world: &World<'_>, name: &str, id: RecordId) -> Result<RecordId, Problem> {
    let version = world.record(id).version();
    let installed = world.installed().get(name).map(|installed| world.record(*installed).version());
    match installed.filter(|installed| compare_versions(version, installed).is_lt()) {
        None => Ok(id),
        Some(installed) => Err(Problem::Downgrade {
            name: name.to_owned(),
            version: version.to_owned(),
            installed: installed.to_owned(),
        }),
    }
}

/// A virtual package stands for its provider if there is exactly one.
fn find_provider<'a>(world: &World<'a>, name: &'a str, others: &[&Universe]) -> Result<RecordId, Problem> {
    let candidates = world.providers(name).into_iter().map(|(id, _)| id);
    let mut candidates: Vec<_> =
        candidates.filter(|id| world.candidate(world.name(*id)) == Some(*id)).collect();
    candidates.sort_by_key(|id| world.name(*id));
    candidates.dedup();
    match candidates.as_slice() {
        [] => Err(not_found(world, name, others)),
        [only] => Ok(*only),
        many => Err(Problem::Virtual {
            name: name.to_owned(),
            providers: many.iter().map(|id| world.name(*id).to_owned()).collect(),
        }),
    }
}

fn not_found(world: &World<'_>, name: &str, others: &[&Universe]) -> Problem {
    let mut suites: Vec<_> = world.universe.sources().iter().map(|source| source.suite.clone()).collect();
    suites.dedup();
    let elsewhere = others.iter().filter(|other| other.contains(name));
    Problem::NotFound {
        name: name.to_owned(),
        architecture: world.universe.architecture().to_owned(),
        suites,
        nearest: Vec::new(),
        architectures: elsewhere.map(|other| other.architecture().to_owned()).collect(),
    }
}
