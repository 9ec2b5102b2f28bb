//! Turns what is chosen into a resolution.

use super::state::{Solver, Why};
use crate::nearest::nearest_names;
use crate::resolution::{Action, Chosen, IdleForbid, Installed, Reason, Resolution};

impl Solver<'_> {
    pub(super) fn into_resolution(self) -> Resolution {
        let world = self.world;
        let installed = world.installed();
        let install = self.chosen.iter().filter(|(_, choice)| !world.is_installed(choice.id));
        let install = install.map(|(name, choice)| {
            let source = &world.universe.sources[world.universe.source_of(choice.id)];
            Chosen {
                index: source.index.clone(),
                position: world.universe.position_of(choice.id),
                suite: source.suite.clone(),
                component: source.component.clone(),
                source: source.source,
                action: match installed.get(name) {
                    Some(id) => Action::Upgrade { from: world.record(*id).version().to_owned() },
                    None => Action::Install,
                },
                reason: choice.why.reason(),
            }
        });
        let kept = self.wanted.iter().filter(|(_, id)| world.is_installed(*id));
        let mut keep: Vec<_> = kept.map(|(_, id)| Installed::from(world.record(*id))).collect();
        keep.sort_by(|left, right| left.name.cmp(&right.name));
        keep.dedup();
        let idle = self.idle_forbids();
        let removed = self.request.forbid.iter().filter_map(|name| installed.get(name.as_str()));
        Resolution {
            install: install.collect(),
            remove: removed.map(|id| Installed::from(world.record(*id))).collect(),
            keep,
            waived: self.waived.into_iter().collect(),
            idle,
        }
    }

    fn idle_forbids(&self) -> Vec<IdleForbid> {
        let is_idle = |name: &&String| {
            !self.world.installed().contains_key(name.as_str()) && !self.passed_over.contains(*name)
        };
        let universe = self.world.universe;
        let idle = self.request.forbid.iter().filter(is_idle).map(|name| {
            let is_known = universe.contains(name);
            let nearest = if is_known { Vec::new() } else { nearest_names(name, &universe.package_names()) };
            IdleForbid { name: name.clone(), nearest }
        });
        idle.collect()
    }
}

impl Why<'_> {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Requested => Reason::Requested,
            Self::Needed { of, field, relation } => {
                Reason::Dependency { of: of.to_owned(), field, relation: relation.to_owned() }
            }
            Self::Displaced { by } => Reason::Displaced { by: by.to_owned() },
            Self::SameSource { with } => Reason::SameSource { with: with.to_owned() },
        }
    }
}
