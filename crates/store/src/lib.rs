//! Keeps blobs, layouts, and records on disk.

pub mod records;
