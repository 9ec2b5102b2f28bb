//! Chooses the packages to install as apt would, and explains what cannot be satisfied.
//!
//! A [`Universe`] holds the archive for one architecture and is shared; [`resolve`] layers a base image's packages over
//! it, chooses what a [`Request`] needs, and gives a [`Resolution`] or the reasons against it.

mod source;

mod universe;

mod request;

mod resolution;

mod problem;

mod world;

mod solver;

mod order;

mod nearest;

pub use problem::{Obstacle, Problem, Refusal, ResolveError};
pub use request::{ForbidMode, Request, Wanted};
pub use resolution::{Action, Chosen, Dependency, IdleForbid, Installed, Reason, Resolution, Waived};
pub use solver::{Inputs, resolve};
pub use source::IndexSource;
pub use universe::Universe;
