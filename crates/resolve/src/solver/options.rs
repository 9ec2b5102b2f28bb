//! The packages that could satisfy a dependency, in the order in which apt tries them.

use std::cmp::{Ordering, Reverse};

use temper_deb::{Group, Relation};

use super::state::Solver;
use crate::problem::Obstacle;
use crate::universe::RecordId;

/// What a dependency can be satisfied with.
#[derive(Default)]
pub(super) struct Options {
    /// Candidates, the first choice first.
    pub(super) usable: Vec<RecordId>,
    /// Why the other alternatives cannot be used.
    pub(super) obstacles: Vec<Obstacle>,
    /// The packages that would do if they were not forbidden.
    pub(super) forbidden: Vec<String>,
    /// Whether a package was left out because an earlier attempt found it to be in the way.
    pub(super) has_avoided: bool,
}

impl<'a> Solver<'a> {
    /// Lists the candidates for a dependency that nothing satisfies yet. Installed packages come first, since another
    /// version of what is there is less than a new package.
    pub(super) fn options(&self, group: Group<'a>) -> Options {
        let mut options = Options::default();
        for relation in group.alternatives() {
            match relation {
                Ok(relation) => self.add_options(relation, &mut options),
                Err(_) => options.obstacles.push(Obstacle::NotFound { name: group.as_str().to_owned() }),
            }
        }
        options.usable.sort_by_key(|id| !self.world.installed().contains_key(self.world.name(*id)));
        options
    }

    fn add_options(&self, relation: Relation<'a>, options: &mut Options) {
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
        let mut found: Vec<_> = accepted.into_iter().chain(providers).collect();
        found.sort_by(|left, right| self.compare_options(*left, *right, relation.name));
        found.dedup();
        if found.is_empty() {
            options.obstacles.push(self.obstacle(relation, own, all.is_empty()));
        }
        for id in found {
            let name = self.world.name(id);
            if self.is_forbidden(name) {
                options.forbidden.push(name.to_owned());
                options.obstacles.push(Obstacle::Forbidden { name: name.to_owned() });
            } else if self.avoided.contains(name) {
                options.has_avoided = true;
            } else if !options.usable.contains(&id) {
                options.usable.push(id);
            }
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

    /// The order of several packages that satisfy one relation.
    fn compare_options(&self, left: RecordId, right: RecordId, name: &str) -> Ordering {
        let rank = |id| {
            let record = self.world.record(id);
            Reverse((
                self.is_requested(record.name()),
                self.world.installed().contains_key(record.name()),
                record.name() == name,
                record.essential(),
                record.protected(),
                record.priority(),
            ))
        };
        rank(left).cmp(&rank(right)).then_with(|| {
            // Equal in everything that the archive says about them: the later mention wins, as in apt.
            let mention = |id| self.world.universe.first_mention(id);
            if left == right { Ordering::Equal } else { mention(right).cmp(&mention(left)) }
        })
    }
}
