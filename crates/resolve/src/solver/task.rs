//! What has to be done for a chosen package: its dependencies, and the installed packages that cannot stay as they are.

use std::collections::VecDeque;

use temper_deb::{Group, groups};

use super::options::{Options, Rank};
use super::satisfy::Clash;
use super::state::{Failure, Solver, Why};
use crate::problem::Obstacle;
use crate::request::ForbidMode;
use crate::resolution::{Dependency, Waived};
use crate::universe::RecordId;

/// One thing to do for a chosen package.
#[derive(Clone, Copy)]
pub(super) enum Task<'a> {
    Satisfy {
        field: Dependency,
        group: Group<'a>,
    },
    /// Another version has to replace an installed package that clashes.
    Replace {
        clash: Clash<'a>,
    },
    /// An installed package of the same source follows to the same source version if it can.
    Follow {
        installed: RecordId,
    },
}

/// A task with the candidates that are left to try.
pub(super) struct Pending<'a> {
    pub(super) task: Task<'a>,
    pub(super) usable: VecDeque<(Rank, RecordId)>,
    pub(super) obstacles: Vec<Obstacle>,
    pub(super) circumstantial: bool,
    pub(super) opponent: Option<&'a str>,
}

impl<'a> Solver<'a> {
    /// Everything to do for a package that is entered, in order.
    pub(super) fn tasks(&self, id: RecordId, clashes: &[Clash<'a>]) -> Vec<Task<'a>> {
        let record = self.world.record(id);
        let satisfy = |field, text| groups(text).map(move |group| Task::Satisfy { field, group });
        let replace = clashes.iter().map(|clash| Task::Replace { clash: *clash });
        replace
            .chain(satisfy(Dependency::PreDepends, record.pre_depends()))
            .chain(satisfy(Dependency::Depends, record.depends()))
            .chain(self.followers(id))
            .collect()
    }

    /// Looks at a task; `None` when there is nothing to do.
    pub(super) fn prepare(&mut self, id: RecordId, task: Task<'a>) -> Option<Pending<'a>> {
        match task {
            Task::Satisfy { group, .. } if self.is_satisfied(group) => None,
            Task::Satisfy { group, .. } => {
                let options = self.options(group);
                self.passed_over.extend(options.forbidden.iter().cloned());
                let is_only_forbidden = options.usable.is_empty() && !options.forbidden.is_empty();
                if is_only_forbidden && self.request.forbid_mode == ForbidMode::Waive {
                    self.waive(Waived {
                        package: self.world.name(id).to_owned(),
                        relation: group.to_string(),
                        forbidden: options.forbidden,
                    });
                    return None;
                }
                Some(Pending::new(task, options))
            }
            Task::Replace { clash: Clash { other: installed, .. } } | Task::Follow { installed } => {
                self.is_effective(installed).then(|| Pending::new(task, self.replacement(installed)))
            }
        }
    }

    /// Whether an installed package can make room by another version of itself.
    pub(super) fn is_replaceable(&self, other: RecordId, newcomer: RecordId) -> bool {
        let name = self.world.name(other);
        self.world.is_installed(other)
            && self.candidate(name).is_some_and(|candidate| {
                candidate != other
                    && !self.world.is_installed(candidate)
                    && !self.do_clash(candidate, newcomer)
            })
    }

    /// The installed packages of the same source that have the same source version as their candidate.
    fn followers(&self, id: RecordId) -> impl Iterator<Item = Task<'a>> {
        let source = self.world.record(id).source();
        let siblings =
            self.world.installed_from(source.0).iter().copied().filter(move |sibling| *sibling != id);
        siblings.filter_map(move |sibling| {
            let candidate =
                self.candidate(self.world.name(sibling)).filter(|candidate| *candidate != sibling)?;
            let is_same = self.world.record(candidate).source() == source;
            is_same.then_some(Task::Follow { installed: sibling })
        })
    }
}

impl<'a> Pending<'a> {
    fn new(task: Task<'a>, options: Options) -> Self {
        let circumstantial = options.has_avoided || !matches!(task, Task::Satisfy { .. });
        Self { task, usable: options.usable, obstacles: options.obstacles, circumstantial, opponent: None }
    }

    /// Notes why a candidate could not be taken.
    pub(super) fn refuse(&mut self, name: &str, failure: Failure<'a>) {
        self.obstacles.push(Obstacle::Refused { name: name.to_owned(), refusal: failure.refusal });
        self.circumstantial |= failure.circumstantial;
        self.opponent = self.opponent.or(failure.opponent);
    }
}

impl<'a> Task<'a> {
    /// Why a candidate for the task is chosen, for a package of this name.
    pub(super) fn why(self, name: &'a str) -> Why<'a> {
        match self {
            Self::Satisfy { field, group } => Why::Needed { of: name, field, relation: group.as_str() },
            Self::Replace { .. } => Why::Displaced { by: name },
            Self::Follow { .. } => Why::SameSource { with: name },
        }
    }
}
