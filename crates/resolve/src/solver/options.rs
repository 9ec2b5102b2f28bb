//! The packages that could satisfy a dependency, in the order in which apt tries them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use temper_deb::index::Priority;
use temper_deb::{Group, Relation};

use super::state::Solver;
use crate::problem::Obstacle;
use crate::universe::RecordId;

/// What a dependency can be satisfied with.
#[derive(Default)]
pub(super) struct Options {
    /// Candidates by rank. Those of equal rank are put in order when their turn comes, which is rare and costs time.
    pub(super) usable: VecDeque<(Rank, RecordId)>,
    /// Why the other alternatives cannot be used.
    pub(super) obstacles: Vec<Obstacle>,
    /// The packages that would do if they were not forbidden.
    pub(super) forbidden: Vec<String>,
    /// Whether a package was left out because an earlier attempt found it to be in the way.
    pub(super) has_avoided: bool,
}

/// The place of a candidate among all candidates for a dependency, the lowest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    is_new: bool,
    /// The position of the alternative, from the left.
    alternative: usize,
    is_provider: bool,
    essential: Reverse<bool>,
    protected: Reverse<bool>,
    priority: Reverse<Priority>,
}

impl<'a> Solver<'a> {
    /// Lists the candidates for a dependency that nothing satisfies yet. Installed packages come first, since another
    /// version of what is there is less than a new package.
    pub(super) fn options(&self, group: Group<'a>) -> Options {
        let mut options = Options::default();
        for (position, relation) in group.alternatives().enumerate() {
            match relation {
                Ok(relation) => self.add_options(relation, position, &mut options),
                Err(_) => options.obstacles.push(Obstacle::NotFound { name: group.as_str().to_owned() }),
            }
        }
        options.usable.make_contiguous().sort_unstable();
        options
    }

    /// The candidate of an installed package as the only option.
    pub(super) fn replacement(&self, installed: RecordId) -> Options {
        let mut options = Options::default();
        let name = self.world.name(installed);
        if let Some(id) = self.candidate(name).filter(|id| *id != installed) {
            options.usable.push_back((self.rank(id, name, 0), id));
        }
        options
    }

    /// Takes the next candidate. Of those that are equal in everything that the archive says about them, the one that
    /// the indexes mention later comes first, as in apt.
    pub(super) fn take_option(&self, usable: &mut VecDeque<(Rank, RecordId)>) -> Option<RecordId> {
        let (first, _) = *usable.front()?;
        let equal = usable.iter().take_while(|(rank, _)| *rank == first).count();
        if equal > 1 {
            let mention = |id| self.world.universe.first_mention(self.world.name(id));
            usable.make_contiguous()[..equal].sort_by_key(|(_, id)| Reverse(mention(*id)));
        }
        usable.pop_front().map(|(_, id)| id)
    }

    fn add_options(&self, relation: Relation<'a>, alternative: usize, options: &mut Options) {
        let own = self.candidate(relation.name);
        let accepted = own.filter(|id| self.world.is_accepted(*id, &relation));
        let all = self.world.providers(relation.name);
        let providers = all
            .iter()
            .filter(|(id, version)| {
                self.candidate(self.world.name(*id)) == Some(*id)
                    && self.world.is_provided(*version, &relation)
            })
            .map(|(id, _)| *id);
        let found: BTreeSet<_> = accepted.into_iter().chain(providers).collect();
        if found.is_empty() {
            options.obstacles.push(self.obstacle(relation, own, all.is_empty()));
        }
        for id in found {
            let name = self.world.name(id);
            if self.is_forbidden(name) {
                // The left alternative may be a name that the right one's package provides too.
                if !options.forbidden.iter().any(|known| known == name) {
                    options.forbidden.push(name.to_owned());
                    options.obstacles.push(Obstacle::Forbidden { name: name.to_owned() });
                }
            } else if self.avoided.contains(name) {
                options.has_avoided = true;
            } else if !options.usable.iter().any(|(_, known)| *known == id) {
                options.usable.push_back((self.rank(id, relation.name, alternative), id));
            }
        }
    }

    fn rank(&self, id: RecordId, name: &str, alternative: usize) -> Rank {
        let record = self.world.record(id);
        Rank {
            is_new: !self.world.installed().contains_key(record.name()),
            alternative,
            is_provider: record.name() != name,
            essential: Reverse(record.essential()),
            protected: Reverse(record.protected()),
            priority: Reverse(record.priority()),
        }
    }

    fn obstacle(&self, relation: Relation<'a>, own: Option<RecordId>, is_unprovided: bool) -> Obstacle {
        let name = relation.name.to_owned();
        match own {
            Some(id) if !relation.accepts(self.world.record(id).version()) => {
                let mut versions = self.world.universe.versions(relation.name);
                let suitable = versions.find(|id| self.world.is_accepted(*id, &relation));
                Obstacle::Version {
                    name,
                    candidate: self.world.record(id).version().to_owned(),
                    suitable: suitable.map(|id| self.world.record(id).version().to_owned()),
                }
            }
            None if is_unprovided => Obstacle::NotFound { name },
            _ => Obstacle::Unprovided { name },
        }
    }
}
