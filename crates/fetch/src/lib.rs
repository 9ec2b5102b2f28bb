//! Reads package archives and registries, verifying while reading.
//!
//! An adapter: it knows the network; it must not know SQL, HTML, or who may do what.

pub mod archive;
pub mod http;
pub mod openpgp;

pub mod courier;
pub mod credentials;
pub mod registry;

pub mod engine;

#[cfg(fuzzing)]
pub mod fuzzing;
