//! What is to be made, in one form for customizations and definitions.

use std::collections::BTreeMap;

use temper_oci::{Compression, Platform};
use temper_rootfs::accounts::AccountRequest;
use temper_spec::customization::{Arguments, Constraint};

use crate::archive::PackageSource;

mod customization;
mod definition;

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn compression(compression: temper_spec::customization::Compression) -> Compression {
    match compression {
        temper_spec::customization::Compression::Zstd => Compression::Zstd,
        temper_spec::customization::Compression::Gzip => Compression::Gzip,
    }
}

/// One change set, or one image from nothing.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// Name of the customization or definition.
    pub name: String,
    /// The document in its canonical form: what the build key covers.
    pub document: String,
    /// Where packages come from; `None` takes the archive of the distribution that the base says it is.
    pub sources: Option<Vec<PackageSource>>,
    /// Packages to add, in the document's order.
    pub packages: Vec<WantedPackage>,
    /// Packages to remove or to do without.
    pub forbidden: Vec<WantedPackage>,
    /// Whether an image may do without a forbidden package that others depend on.
    pub waives_forbidden: bool,
    /// Artifacts in the order in which they are laid over each other.
    pub artifacts: Vec<WantedArtifact>,
    /// Paths of the document.
    pub paths: Vec<WantedPath>,
    /// Certificates that join the system bundle.
    pub certificates: Vec<WantedCertificate>,
    /// Users and groups.
    pub accounts: AccountRequest,
    /// Environment variables in the document's order.
    pub environment: Vec<(String, String)>,
    /// Config labels in the document's order.
    pub labels: Vec<(String, String)>,
    /// Annotations of index and manifests in the document's order.
    pub annotations: Vec<(String, String)>,
    /// What happens to the entrypoint.
    pub entrypoint: Option<Arguments>,
    /// What happens to the cmd.
    pub cmd: Option<Arguments>,
    /// Working directory, absolute.
    pub work_dir: Option<String>,
    /// Signal that stops the container.
    pub stop_signal: Option<String>,
    /// Ports that the image declares (`8080/tcp`).
    pub ports: Vec<String>,
    /// Volumes that the image declares.
    pub volumes: Vec<String>,
    /// The platforms that the document lists.
    pub platforms: Option<Vec<Platform>>,
    /// Compression of the layers, where the document says.
    pub compression: Option<Compression>,
}

/// A package that the document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPackage {
    /// Its name.
    pub name: String,
    /// Which version, where one is asked for.
    pub constraint: Option<Constraint>,
    /// Where the document says so.
    pub at: String,
}

/// An artifact that the document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedArtifact {
    /// Its reference as written.
    pub reference: String,
    /// What is taken; nothing of an artifact that only holds certificates.
    pub includes: Vec<String>,
    /// What is left out of that.
    pub excludes: Vec<String>,
    /// Where the document says so.
    pub at: String,
}

/// A path that the document itself brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPath {
    /// Where, in the form of `Entry::path`.
    pub path: String,
    /// What.
    pub content: PathContent,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// The platforms that get it; all where none are named.
    pub platforms: Option<Vec<Platform>>,
    /// Where the document says so.
    pub at: String,
}

/// What stands at a [`WantedPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathContent {
    /// A file with this text.
    File(String),
    /// A directory.
    Directory,
    /// A symbolic link with this text.
    Symlink(String),
    /// Nothing: what is there goes away.
    Absent,
}

/// A certificate that joins the system bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedCertificate {
    /// Where it comes from.
    pub source: CertificateSource,
    /// Where the document says so.
    pub at: String,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// PEM text of the document, one certificate or several.
    Pem(String),
    /// A file of an artifact.
    Artifact {
        /// The artifact's reference.
        reference: String,
        /// The file, in the form of `Entry::path`.
        path: String,
    },
}
