//! Makes the base whole again where an upgrade or a removal broke a dependency of what stays.

use temper_deb::{Group, groups};

use super::state::{Failure, Solver};
use crate::problem::Problem;
use crate::resolution::Dependency;
use crate::universe::RecordId;

impl<'a> Solver<'a> {
    /// Upgrades installed packages whose dependencies were satisfied before and are not any more, or chooses what
    /// satisfies them. What was broken in the base already is not ours to repair.
    pub(super) fn repair_base(&mut self) -> Vec<(Problem, Failure<'a>)> {
        let installed: Vec<_> = self.world.installed().values().copied().collect();
        let mut failures = Vec::new();
        let mut broken = Vec::new();
        // Every round but the last replaces an installed package or adds one, so the rounds come to an end.
        loop {
            let before = self.mark();
            for id in &installed {
                if !self.is_effective(*id) || broken.contains(id) {
                    continue;
                }
                if let Err(failure) = self.repair(*id) {
                    broken.push(*id);
                    let (name, refusal) = (self.world.name(*id).to_owned(), failure.refusal.clone());
                    failures.push((Problem::Breaks { name, refusal }, failure));
                }
            }
            if self.mark() == before {
                return failures;
            }
        }
    }

    /// Another version of the package is preferred to keeping it with something new beside it.
    fn repair(&mut self, id: RecordId) -> Result<(), Failure<'a>> {
        let record = self.world.record(id);
        let fields =
            [(Dependency::PreDepends, record.pre_depends()), (Dependency::Depends, record.depends())];
        for (field, text) in fields {
            for group in groups(text) {
                if self.is_satisfied(group) || !self.was_satisfied(group) {
                    continue;
                }
                let candidate = self.candidate(record.name()).filter(|candidate| *candidate != id);
                let by = self.culprit(group);
                if candidate.is_some_and(|candidate| self.walk_replacement(candidate, by).is_ok()) {
                    return Ok(());
                }
                self.walk_group(id, field, group)?;
            }
        }
        Ok(())
    }

    /// The package whose change broke a dependency.
    fn culprit(&self, group: Group<'a>) -> &'a str {
        let relations = || group.alternatives().flatten();
        let of_name = relations().map(|relation| relation.name);
        let of_providers = relations()
            .flat_map(|relation| self.world.providers(relation.name))
            .map(|(id, _)| self.world.name(id));
        let mut changed = of_name
            .chain(of_providers)
            .filter(|name| self.world.installed().get(name).is_some_and(|id| !self.is_effective(*id)));
        changed.next().unwrap_or(group.as_str())
    }
}
