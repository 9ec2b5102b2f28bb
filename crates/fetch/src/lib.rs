//! Reads package archives and registries, verifying while reading.
//!
//! An adapter: it knows the network; it must not know SQL, HTML, or who may do what.

pub mod http;
