//! Documents to images, in memory: every field of a customization seen in the result, and every rule of composition.
//!
//! The harness comes first; each other module is about one behaviour.

mod archive;
mod base;
mod document;
mod image;
mod memory;
mod outcome;
mod published;
mod repository;
mod signing;
mod workshop;

mod accounts;
mod artifacts;
mod attachments;
mod certificates;
mod command;
mod compression;
mod database;
mod definitions;
mod determinism;
mod effects;
mod environment;
mod fields;
mod kept_inputs;
mod layers;
mod metadata;
mod packages;
mod paths;
mod plan;
mod publishing;
mod reproduction;
mod selection;
mod settings;
mod statements;
mod tampering;
mod targets;
mod upgrades;
mod verification;
