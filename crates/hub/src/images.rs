//! What the hub asks of registries and keys; the entry point implements it for the embedded registry and for others.

use std::collections::BTreeMap;
use std::sync::Arc;

use temper_attest::{PublicKey, Signer};
use temper_compose::{Destination, External, ImageSource};
use temper_oci::Digest;

/// The images of organizations' repositories. Every method may block: call it where that is allowed.
pub trait Images: Send + Sync {
    /// Opens the image that a tag or digest of a repository `org/name` names, or a reference with a registry host.
    fn open(&self, reference: &str) -> Result<Box<dyn ImageSource>, External>;

    /// Opens a repository for writing.
    fn destination(&self, repository: &str) -> Result<Box<dyn Destination>, External>;

    /// Lists the tags of a repository, with where they point; nothing where there is no such repository.
    fn tags(&self, repository: &str) -> Result<BTreeMap<String, Digest>, External>;

    /// Lets tags name manifests that are there, all at once where the registry can.
    fn move_tags(&self, repository: &str, tags: &BTreeMap<String, Digest>) -> Result<(), External>;

    /// Removes tags; those that are gone already are passed over.
    fn remove_tags(&self, repository: &str, tags: &[String]) -> Result<(), External>;

    /// Returns registry and repository as references and signatures name it: `registry.example.org/acme/python`.
    fn full_name(&self, repository: &str) -> String;
}

/// The keys of organizations.
pub trait Signers: Send + Sync {
    /// Returns who signs what an organization's builds publish.
    fn signer(&self, organization: &str) -> Result<Arc<dyn Signer>, External>;

    /// Lists the keys whose word about a base is passed on.
    fn trusted(&self, organization: &str) -> Result<Vec<PublicKey>, External>;
}
