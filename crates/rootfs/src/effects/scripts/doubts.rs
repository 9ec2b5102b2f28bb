//! Why it is not sure that a command of a script is reached.

use super::condition::Truth;

/// Why a command may not be reached, by what ends the doubt.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    /// The branch.
    pub(super) branch: Option<String>,
    /// The round of a loop, which may have ended before.
    pub(super) round: Option<String>,
    /// The loop, which may have been left before.
    pub(super) iteration: Option<String>,
    /// The function, which may have been left before.
    pub(super) function: Option<String>,
    /// The script, which may have ended before.
    pub(super) script: Option<String>,
}

impl Doubts {
    /// Returns the first reason.
    pub(super) fn any(&self) -> Option<&String> {
        self.inside().or(self.script.as_ref())
    }

    /// Returns the doubts inside a function or loop: all that reach it belong to the branch that calls it.
    pub(super) fn inner(&self) -> Self {
        Self { branch: self.inside().cloned(), script: self.script.clone(), ..Self::default() }
    }

    /// Returns the first reason that ends before the script does.
    fn inside(&self) -> Option<&String> {
        let in_loop = self.round.as_ref().or(self.iteration.as_ref());
        self.branch.as_ref().or(in_loop).or(self.function.as_ref())
    }

    /// Stops somewhere: where a round, loop or function may have been left before, only that is sure to end, and it
    /// stays in doubt whether the rest does.
    pub(super) fn stop(&mut self, stop: Stop) -> Stop {
        let (doubt, sure) = match (&self.round, &self.iteration, &self.function) {
            (Some(doubt), _, _) => (doubt, Stop::Round),
            (None, Some(doubt), _) => (doubt, Stop::Loop),
            (None, None, Some(doubt)) => (doubt, Stop::Function(Truth::Unknown)),
            (None, None, None) => return stop,
        };
        if stop.reach() <= sure.reach() {
            return stop;
        }
        let doubt = doubt.clone();
        self.add(stop, doubt);
        sure
    }

    /// Notes why something may have stopped; the first reason stays.
    pub(super) fn add(&mut self, stop: Stop, doubt: String) {
        let place = match stop {
            Stop::Round => &mut self.round,
            Stop::Loop => &mut self.iteration,
            Stop::Function(_) => &mut self.function,
            Stop::Script => &mut self.script,
        };
        place.get_or_insert(doubt);
    }
}

/// What a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The round of a loop.
    Round,
    /// The loop.
    Loop,
    /// The function, with its result.
    Function(Truth),
    /// The script.
    Script,
}

impl Stop {
    /// How much ends, from the least up.
    fn reach(self) -> u8 {
        match self {
            Self::Round => 0,
            Self::Loop => 1,
            Self::Function(_) => 2,
            Self::Script => 3,
        }
    }
}
