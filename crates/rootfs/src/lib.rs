//! A root file system as metadata: trees, merges, accounts, system files, package databases, and the layer writer.
//!
//! An engine crate: it may use the formats; it must not know HTTP, SQL, host paths, environment, or clocks.
//! Nothing in it is ever extracted to the host or executed.

pub mod effects;
pub mod tree;
