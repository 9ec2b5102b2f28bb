//! Documents to images, in memory: every field of a customization seen in the result, and every rule of composition.
//!
//! The harness comes first; each other module is about one behaviour.

mod archive;
mod base;
mod document;
mod image;
mod memory;
mod outcome;
mod workshop;

mod artifacts;
mod command;
mod environment;
mod metadata;
mod packages;
mod paths;
mod settings;
mod targets;
