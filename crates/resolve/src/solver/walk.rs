//! The walk over the dependencies of a package, without recursion: archives nest deeply.

use std::sync::Arc;
use std::vec::IntoIter;

use temper_deb::Group;

use super::satisfy::Clash;
use super::state::{Failure, Mark, Solver, Why};
use super::task::{Pending, Task};
use crate::problem::Refusal;
use crate::resolution::Dependency;
use crate::universe::RecordId;

/// How deep dependencies may nest. Debian's largest desktops nest to about a tenth of it.
const DEPTH_MAX: usize = 1000;
/// How many packages one attempt may enter, those that it drops again included.
const STEPS_MAX: usize = 100_000;

/// A package whose dependencies are being walked.
struct Frame<'a> {
    id: RecordId,
    mark: Mark,
    tasks: IntoIter<Task<'a>>,
    current: Option<Pending<'a>>,
}

enum Advance<'a> {
    Enter(Frame<'a>),
    Done,
    Failed(Failure<'a>),
}

impl<'a> Solver<'a> {
    /// Chooses a requested package with everything it needs.
    pub(super) fn walk_requested(&mut self, id: RecordId) -> Result<(), Failure<'a>> {
        let frame = self.enter(id, Why::Requested)?;
        self.walk(frame)
    }

    /// Chooses another version of an installed package that cannot stay as it is.
    pub(super) fn walk_replacement(&mut self, id: RecordId, by: &'a str) -> Result<(), Failure<'a>> {
        let frame = self.enter(id, Why::Displaced { by })?;
        self.walk(frame)
    }

    /// Chooses what satisfies one dependency of a package that stays.
    pub(super) fn walk_group(
        &mut self,
        owner: RecordId,
        field: Dependency,
        group: Group<'a>,
    ) -> Result<(), Failure<'a>> {
        let tasks = vec![Task::Satisfy { field, group }].into_iter();
        self.walk(Frame { id: owner, mark: self.mark(), tasks, current: None })
    }

    fn walk(&mut self, root: Frame<'a>) -> Result<(), Failure<'a>> {
        let mut stack = vec![root];
        while let Some(mut frame) = stack.pop() {
            let name = self.world.name(frame.id);
            match self.advance(&mut frame, stack.len()) {
                Advance::Enter(child) => stack.extend([frame, child]),
                Advance::Done => {
                    if let Some(parent) = stack.last_mut() {
                        parent.current = None;
                    }
                }
                Advance::Failed(failure) => match stack.last_mut().and_then(|parent| parent.current.as_mut())
                {
                    Some(pending) => pending.refuse(name, failure),
                    None => return Err(failure),
                },
            }
        }
        Ok(())
    }

    /// Goes on with a package until another one has to be walked first.
    fn advance(&mut self, frame: &mut Frame<'a>, depth: usize) -> Advance<'a> {
        let name = self.world.name(frame.id);
        loop {
            if let Some(pending) = &mut frame.current {
                let Some(option) = self.take_option(&mut pending.usable) else {
                    match self.give_up(frame) {
                        Some(failure) => return Advance::Failed(failure),
                        None => continue,
                    }
                };
                match self.try_enter(option, pending.task.why(name), depth) {
                    Ok(child) => return Advance::Enter(child),
                    Err(failure) => pending.refuse(self.world.name(option), failure),
                }
            } else if let Some(task) = frame.tasks.next() {
                frame.current = self.prepare(frame.id, task);
            } else {
                return Advance::Done;
            }
        }
    }

    fn try_enter(&mut self, id: RecordId, why: Why<'a>, depth: usize) -> Result<Frame<'a>, Failure<'a>> {
        let name = self.world.name(id);
        if let Some(refusal) = self.refused.get(name) {
            return Err(Failure { refusal: refusal.clone(), circumstantial: false, opponent: None });
        }
        if depth >= DEPTH_MAX {
            return Err(Failure::limit(Refusal::Depth { package: name.to_owned() }));
        }
        self.enter(id, why)
    }

    /// Chooses a package unless something stands against it, and lists what it needs.
    fn enter(&mut self, id: RecordId, why: Why<'a>) -> Result<Frame<'a>, Failure<'a>> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            let package = self.world.name(id).to_owned();
            return Err(Failure::limit(Refusal::Steps { package, steps: STEPS_MAX }));
        }
        let clashes = self.clashes(id);
        if let Some(clash) = clashes.iter().find(|clash| !self.is_replaceable(clash.other, id)) {
            return Err(self.conflict(id, *clash));
        }
        let mark = self.mark();
        if !self.is_effective(id) {
            self.choose(id, why);
        }
        let tasks = self.tasks(id, &clashes);
        Ok(Frame { id, mark, tasks: tasks.into_iter(), current: None })
    }

    /// Ends the current task, which has no candidate left: drops the package, unless the task was optional.
    fn give_up(&mut self, frame: &mut Frame<'a>) -> Option<Failure<'a>> {
        let pending = frame.current.take()?;
        let failure = match pending.task {
            Task::Follow { .. } => return None,
            Task::Replace { clash } => self.conflict(frame.id, clash),
            Task::Satisfy { group, .. } => Failure {
                refusal: Arc::new(Refusal::Needs {
                    package: self.world.name(frame.id).to_owned(),
                    version: self.world.record(frame.id).version().to_owned(),
                    relation: group.to_string(),
                    alternatives: pending.obstacles,
                }),
                circumstantial: pending.circumstantial,
                opponent: pending.opponent,
            },
        };
        self.go_back(frame.mark);
        if !failure.circumstantial && !self.world.is_installed(frame.id) {
            self.refused.insert(self.world.name(frame.id), failure.refusal.clone());
        }
        Some(failure)
    }

    fn conflict(&self, id: RecordId, clash: Clash<'a>) -> Failure<'a> {
        let other = self.world.name(clash.other);
        let because = match self.chosen.get(other) {
            Some(choice) => choice.why.reason().to_string(),
            None => "installed".to_owned(),
        };
        Failure {
            refusal: Arc::new(Refusal::Conflict {
                package: self.world.name(id).to_owned(),
                declared_by: self.world.name(clash.declared_by).to_owned(),
                relation: clash.relation.to_string(),
                with: other.to_owned(),
                because,
            }),
            circumstantial: true,
            opponent: Some(other),
        }
    }
}

impl Failure<'_> {
    fn limit(refusal: Refusal) -> Self {
        Self { refusal: Arc::new(refusal), circumstantial: true, opponent: None }
    }
}
