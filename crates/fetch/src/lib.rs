//! Reads package archives and registries, verifying while reading.
