//! A root file system as metadata: trees, merges, accounts, system files, package databases, and the layer writer.
//!
//! An engine crate: it may use the formats; it must not know HTTP, SQL, host paths, environment, or clocks.
//! Nothing in it is ever extracted to the host or executed.

pub mod accounts;
pub mod contents;
pub mod draft;
pub mod effects;
mod encoder;
mod glob;
pub mod installed;
pub mod layer_writer;
pub mod merge;
pub mod mismatch;
pub mod package_database;
pub mod package_index;
mod pattern;
pub mod segment;
pub mod select;
mod tar_header;
pub mod tree;
pub mod writer;
