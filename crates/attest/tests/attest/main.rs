//! Signed documents made and read through the crate's public face.

mod fixtures;
mod registry;

mod carriers;
mod documents;
mod inventory;
mod keys;
mod licences;
mod provenance;
mod purls;
mod strangers;
mod vex;
mod vex_meaning;
