//! Debian versions, relations, control files, signed indexes, package files, and package databases.

mod version;

mod relation;

pub mod control;

pub mod index;

pub mod package;

pub mod release;

pub mod sources;
pub mod status;

pub use relation::{Group, Operator, ParseRelationError, Relation, VersionConstraint, groups};
pub use version::compare_versions;
