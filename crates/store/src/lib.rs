//! Keeps blobs, layouts, and records on disk.

pub mod blobs;
pub mod cache;
pub mod engine;
pub mod layout;
pub mod records;
pub mod staging;
pub mod storage;
