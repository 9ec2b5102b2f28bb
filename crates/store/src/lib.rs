//! Keeps blobs, layouts, and records on disk.
