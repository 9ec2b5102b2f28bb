//! What each command does; one file for each.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod attestation;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod build;
pub(crate) mod bundle;
pub(crate) mod catalog;
pub(crate) mod customization;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod org;
pub(crate) mod plan;
pub(crate) mod quickstart;
pub(crate) mod reference;
pub(crate) mod registry;
pub(crate) mod repo;
pub(crate) mod reproduce;
pub(crate) mod serve;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod validate;
pub(crate) mod verify;
