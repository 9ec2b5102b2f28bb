//! Behaviour of the crate, seen from outside.

#[path = "oci/archives.rs"]
mod archives;
#[path = "oci/documents.rs"]
mod documents;
#[path = "oci/facts.rs"]
mod facts;
#[path = "oci/properties.rs"]
mod properties;
#[path = "oci/references.rs"]
mod references;
#[path = "oci/validation.rs"]
mod validation;
