//! Chooses packages as `apt-get install --no-install-recommends` chooses them.
//!
//! The requested packages are marked first, all of them, so that they count as chosen wherever a dependency could be
//! satisfied by one. Then each is walked: its dependencies in the order of the stanza, `Pre-Depends` before `Depends`,
//! every dependency with all that it needs before the next one. A dependency that is satisfied by then is left alone;
//! else its alternatives are tried from left to right, the package of the name before those that provide it. Nothing is
//! removed to make room: what conflicts with something chosen or installed is refused, and the next alternative tried.
//!
//! Installed packages that are built from the same source as a chosen one follow to its version, so that a library, its
//! tools and its headers stay together.
//!
//! A choice can turn out to exclude something that a request cannot do without. Then the walk begins anew and avoids
//! that choice, a bounded number of times.

mod options;
mod outcome;
mod repair;
mod roots;
mod satisfy;
mod state;
mod task;
mod walk;

use std::collections::BTreeSet;

use temper_deb::status::StatusDatabase;

use crate::problem::{Problem, ResolveError};
use crate::request::Request;
use crate::resolution::Resolution;
use crate::universe::Universe;
use crate::world::World;

use state::{Failure, Solver};

/// How often a walk begins anew because a choice was in the way.
const ATTEMPTS_MAX: usize = 32;

/// What a resolution stands on.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The archive for the architecture of the image.
    pub universe: &'a Universe,
    /// The packages of the base image; an empty database for an image from scratch.
    pub installed: &'a StatusDatabase,
    /// The archive for other architectures, only to tell where a missing package exists.
    pub other_architectures: &'a [&'a Universe],
}

/// Chooses the packages for a request, or tells everything that stands against it.
pub fn resolve(inputs: &Inputs<'_>, request: &Request) -> Result<Resolution, ResolveError> {
    let world = World::new(inputs.universe, inputs.installed);
    let wanted = roots::find(&world, request, inputs.other_architectures)?;
    let mut avoided = BTreeSet::new();
    let mut first_error = None;
    for _ in 0..ATTEMPTS_MAX {
        let mut solver = Solver::new(&world, request, &wanted, avoided.clone());
        let failures = solver.solve();
        if failures.is_empty() {
            return Ok(solver.into_resolution());
        }
        let opponent = failures.iter().find_map(|(_, failure)| {
            let opponent = failure.opponent?;
            solver.is_avoidable(opponent).then_some(opponent)
        });
        let problems = ResolveError::of(failures.into_iter().map(|(problem, _)| problem));
        let error = first_error.get_or_insert(problems);
        match opponent {
            Some(opponent) if !avoided.contains(opponent) => _ = avoided.insert(opponent),
            _ => return Err(error.clone()),
        }
    }
    Err(first_error.unwrap_or(ResolveError { problems: Vec::new() }))
}

impl<'a> Solver<'a> {
    /// Marks and walks what is requested, then repairs what upgrades and removals broke in the base.
    fn solve(&mut self) -> Vec<(Problem, Failure<'a>)> {
        for (_, id) in self.wanted {
            self.mark_requested(*id);
        }
        let mut failures: Vec<(Problem, Failure<'a>)> = Vec::new();
        let mut refused = BTreeSet::new();
        for (name, id) in self.wanted.iter().filter(|(_, id)| !self.world.is_installed(*id)) {
            if let Err(failure) = self.walk_requested(*id) {
                // Two requested packages that exclude each other are one problem.
                if failure.opponent.is_none_or(|opponent| !refused.contains(opponent)) {
                    let refusal = failure.refusal.clone();
                    failures.push((Problem::Unsatisfiable { name: (*name).to_owned(), refusal }, failure));
                }
                refused.insert(*name);
            }
        }
        if failures.is_empty() {
            failures = self.repair_base();
        }
        failures
    }
}
