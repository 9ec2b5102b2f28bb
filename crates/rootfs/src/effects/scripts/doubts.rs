//! Why it is not sure that a command of a script is reached.

use super::condition::Truth;

/// Why a command may not be reached, by what ends the doubt.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    /// The branch.
    pub(super) branch: Option<String>,
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
        self.branch.as_ref().or(self.iteration.as_ref()).or(self.function.as_ref()).or(self.script.as_ref())
    }

    /// Returns the doubts inside a function or loop: all that reach it belong to the branch that calls it.
    pub(super) fn inner(&self) -> Self {
        let branch = self.branch.as_ref().or(self.iteration.as_ref()).or(self.function.as_ref());
        Self { branch: branch.cloned(), script: self.script.clone(), ..Self::default() }
    }

    /// Stops somewhere: where a loop or function may have been left before, only that is sure to end.
    pub(super) fn stop(&mut self, stop: Stop) -> Stop {
        match (self.iteration.clone(), self.function.clone(), stop) {
            (Some(doubt), _, Stop::Function(_)) => {
                self.function.get_or_insert(doubt);
                Stop::Iteration
            }
            (Some(doubt), _, Stop::Script) => {
                self.script.get_or_insert(doubt);
                Stop::Iteration
            }
            (None, Some(doubt), Stop::Script) => {
                self.script.get_or_insert(doubt);
                Stop::Function(Truth::Unknown)
            }
            (_, _, stop) => stop,
        }
    }
}

/// What a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The round of a loop, and the loop.
    Iteration,
    /// The function, with its result.
    Function(Truth),
    /// The script.
    Script,
}
