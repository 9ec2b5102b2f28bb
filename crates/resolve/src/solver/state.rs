//! What is chosen so far, and the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use temper_deb::{Relation, groups};

use crate::problem::Refusal;
use crate::request::Request;
use crate::resolution::{Dependency, Waived};
use crate::universe::RecordId;
use crate::world::World;

/// One attempt at a request.
pub(super) struct Solver<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) request: &'a Request,
    /// The requested packages in the order of the request.
    pub(super) wanted: &'a [(&'a str, RecordId)],
    /// Choices that earlier attempts found to be in the way.
    pub(super) avoided: BTreeSet<&'a str>,
    pub(super) chosen: BTreeMap<&'a str, Choice<'a>>,
    /// Candidates that cannot be installed whatever else is chosen.
    pub(super) refused: BTreeMap<&'a str, Arc<Refusal>>,
    pub(super) waived: BTreeSet<Waived>,
    /// Forbidden packages that some dependency would have taken.
    pub(super) passed_over: BTreeSet<String>,
    /// For each name the conflicts and breaks that are declared against it. The declaring record may have been dropped
    /// since, so it counts only while it is effective.
    pub(super) claims: BTreeMap<&'a str, Vec<(RecordId, Relation<'a>)>>,
    trail: Vec<Step<'a>>,
    /// Packages looked at so far, for the limit of [`walk`](super::walk).
    pub(super) steps: usize,
}

/// A chosen version and who chose it.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub(super) id: RecordId,
    pub(super) why: Why<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Why<'a> {
    Requested,
    Needed { of: &'a str, field: Dependency, relation: &'a str },
    Displaced { by: &'a str },
    SameSource { with: &'a str },
}

/// Why a package was not taken, with what a new attempt has to know.
#[derive(Clone)]
pub(super) struct Failure<'a> {
    pub(super) refusal: Arc<Refusal>,
    /// Whether it depends on what else is chosen, and not on the archive alone.
    pub(super) circumstantial: bool,
    /// A chosen package that was in the way.
    pub(super) opponent: Option<&'a str>,
}

enum Step<'a> {
    Chosen { name: &'a str, before: Option<Choice<'a>> },
    Waived(Waived),
}

/// A place on the trail to go back to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(usize);

impl<'a> Solver<'a> {
    pub(super) fn new(
        world: &'a World<'a>,
        request: &'a Request,
        wanted: &'a [(&'a str, RecordId)],
        avoided: BTreeSet<&'a str>,
    ) -> Self {
        let mut solver = Self {
            world,
            request,
            wanted,
            avoided,
            chosen: BTreeMap::new(),
            refused: BTreeMap::new(),
            waived: BTreeSet::new(),
            passed_over: BTreeSet::new(),
            claims: BTreeMap::new(),
            trail: Vec::new(),
            steps: 0,
        };
        for id in world.installed().values() {
            solver.add_claims(*id);
        }
        solver
    }

    /// Chooses a requested package before anything is walked. What is installed stays as it is.
    pub(super) fn mark_requested(&mut self, id: RecordId) {
        if !self.world.is_installed(id) {
            self.choose(id, Why::Requested);
        }
    }

    /// The version that the image will have as things stand.
    pub(super) fn effective(&self, name: &str) -> Option<RecordId> {
        match self.chosen.get(name) {
            Some(choice) => Some(choice.id),
            None if self.is_forbidden(name) => None,
            None => self.world.installed().get(name).copied(),
        }
    }

    pub(super) fn is_effective(&self, id: RecordId) -> bool {
        self.effective(self.world.name(id)) == Some(id)
    }

    pub(super) fn is_forbidden(&self, name: &str) -> bool {
        self.request.forbid.contains(name)
    }

    pub(super) fn is_requested(&self, name: &str) -> bool {
        self.wanted.iter().any(|(wanted, _)| *wanted == name)
    }

    /// Whether a new attempt may do without a package: somebody chose it, and not the request.
    pub(super) fn is_avoidable(&self, name: &str) -> bool {
        !self.is_requested(name) && !self.world.installed().contains_key(name)
    }

    /// The version to take for a name: the requested one, else the candidate.
    pub(super) fn candidate(&self, name: &'a str) -> Option<RecordId> {
        let wanted = self.wanted.iter().find(|(wanted, _)| *wanted == name);
        wanted.map(|(_, id)| *id).or_else(|| self.world.candidate(name))
    }

    pub(super) fn choose(&mut self, id: RecordId, why: Why<'a>) {
        let name = self.world.name(id);
        let before = self.chosen.insert(name, Choice { id, why });
        self.trail.push(Step::Chosen { name, before });
        self.add_claims(id);
    }

    pub(super) fn waive(&mut self, waived: Waived) {
        if self.waived.insert(waived.clone()) {
            self.trail.push(Step::Waived(waived));
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.trail.len())
    }

    /// Undoes everything since `mark`.
    pub(super) fn go_back(&mut self, mark: Mark) {
        for step in self.trail.drain(mark.0..).rev() {
            match step {
                Step::Chosen { name, before: Some(choice) } => _ = self.chosen.insert(name, choice),
                Step::Chosen { name, before: None } => _ = self.chosen.remove(name),
                Step::Waived(waived) => _ = self.waived.remove(&waived),
            }
        }
    }

    fn add_claims(&mut self, id: RecordId) {
        for relation in self.hostilities(id) {
            let claims = self.claims.entry(relation.name).or_default();
            if !claims.contains(&(id, relation)) {
                claims.push((id, relation));
            }
        }
    }

    /// The conflicts and breaks that a package declares.
    pub(super) fn hostilities(&self, id: RecordId) -> impl Iterator<Item = Relation<'a>> + use<'a> {
        let record = self.world.record(id);
        let all = groups(record.conflicts()).chain(groups(record.breaks()));
        all.flat_map(|group| group.alternatives().flatten())
    }
}
