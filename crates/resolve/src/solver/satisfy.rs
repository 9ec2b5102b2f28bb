//! Whether what is chosen and installed satisfies a relation or stands against it.

use temper_deb::{Group, Relation};

use super::state::Solver;
use crate::universe::RecordId;

/// A package that cannot stand beside another one.
#[derive(Clone, Copy)]
pub(super) struct Clash<'a> {
    /// The effective package that is in the way.
    pub(super) other: RecordId,
    /// The one of the two that declares it.
    pub(super) declared_by: RecordId,
    pub(super) relation: Relation<'a>,
}

impl<'a> Solver<'a> {
    /// Whether one alternative of a dependency is satisfied as things stand.
    pub(super) fn is_satisfied(&self, group: Group<'a>) -> bool {
        group.alternatives().flatten().any(|relation| self.satisfies(relation, |id| self.is_effective(id)))
    }

    /// Whether one alternative of a dependency is satisfied by the base as it was.
    pub(super) fn was_satisfied(&self, group: Group<'a>) -> bool {
        group
            .alternatives()
            .flatten()
            .any(|relation| self.satisfies(relation, |id| self.world.is_installed(id)))
    }

    fn satisfies(&self, relation: Relation<'a>, counts: impl Fn(RecordId) -> bool) -> bool {
        let name = relation.name;
        let own = [self.effective(name), self.world.installed().get(name).copied()];
        own.into_iter().flatten().any(|id| counts(id) && self.world.is_accepted(id, &relation))
            || self
                .world
                .providers(name)
                .into_iter()
                .any(|(id, version)| counts(id) && self.world.is_provided(version, &relation))
    }

    /// Everything effective that `id` cannot stand beside.
    pub(super) fn clashes(&self, id: RecordId) -> Vec<Clash<'a>> {
        let name = self.world.name(id);
        let mut clashes = Vec::new();
        for relation in self.hostilities(id) {
            let others = self.effective_matches(relation);
            let others = others.into_iter().filter(|other| self.world.name(*other) != name);
            clashes.extend(others.map(|other| Clash { other, declared_by: id, relation }));
        }
        for (owner, relation) in self.claims_against(id) {
            if self.is_effective(owner) && self.world.name(owner) != name {
                clashes.push(Clash { other: owner, declared_by: owner, relation });
            }
        }
        clashes
    }

    /// Whether the packages of two records cannot stand together.
    pub(super) fn do_clash(&self, left: RecordId, right: RecordId) -> bool {
        self.hostilities(left).any(|relation| self.is_matched(relation, right))
            || self.hostilities(right).any(|relation| self.is_matched(relation, left))
    }

    fn effective_matches(&self, relation: Relation<'a>) -> Vec<RecordId> {
        let own = self.effective(relation.name).filter(|id| self.world.is_opposed(*id, &relation));
        let providers = self.world.providers(relation.name).into_iter();
        let providers = providers
            .filter(|(id, version)| self.is_effective(*id) && self.world.is_provided(*version, &relation))
            .map(|(id, _)| id);
        own.into_iter().chain(providers).collect()
    }

    fn claims_against(&self, id: RecordId) -> Vec<(RecordId, Relation<'a>)> {
        let record = self.world.record(id);
        let names = [record.name()].into_iter().chain(record.provided().map(|(name, _)| name));
        names
            .filter_map(|name| self.claims.get(name))
            .flatten()
            .copied()
            .filter(|(_, relation)| self.is_matched(*relation, id))
            .collect()
    }

    /// Whether a record is, or provides, what a conflict names.
    fn is_matched(&self, relation: Relation<'a>, id: RecordId) -> bool {
        let record = self.world.record(id);
        (record.name() == relation.name && self.world.is_opposed(id, &relation))
            || record
                .provided()
                .any(|(name, version)| name == relation.name && self.world.is_provided(version, &relation))
    }
}
