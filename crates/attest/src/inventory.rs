//! Everything that is in an image, as the SBOMs list it.
//!
//! An inventory is read from the composed tree: from its package database, not from what was asked for.

mod package;

use std::collections::BTreeMap;

use temper_oci::{Digest, Platform};

use crate::licence::Licence;
use crate::purl::Purl;

pub use package::{Package, PackageSource, Supplier};

/// One image for one platform, and what it holds.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// The image.
    pub image: Image,
    /// The time of the image, in RFC 3339, UTC, whole seconds: `2026-01-01T00:00:00Z`.
    pub created: String,
    /// Who supplies the image: the organization's name.
    pub supplier: String,
    /// What made the image and this list.
    pub tool: Tool,
    /// The operating system by its `os-release`; images from scratch have none.
    pub operating_system: Option<OperatingSystem>,
    /// Packages of base and additions, in any order.
    pub packages: Vec<Package>,
    /// Artifacts whose files were copied in, in any order.
    pub artifacts: Vec<Artifact>,
    /// Files that neither package nor artifact brought, in any order.
    pub files: Vec<File>,
}

/// The image of an inventory.
#[derive(Clone, Debug)]
pub struct Image {
    /// Registry and repository, `registry.example.com/acme/nginx`.
    pub repository: String,
    /// Digest of the platform's manifest.
    pub digest: Digest,
    /// The platform.
    pub platform: Platform,
}

/// A program with its version.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Fields of `os-release`, see [os-release(5)](https://www.freedesktop.org/software/systemd/man/latest/os-release.html).
#[derive(Clone, Debug)]
pub struct OperatingSystem {
    /// `ID`: `debian`.
    pub id: String,
    /// `VERSION_ID`: `13`; empty in testing.
    pub version_id: String,
    /// `NAME`: `Debian GNU/Linux`.
    pub name: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

/// An artifact of the same organization, whose files are in the image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Registry and repository.
    pub repository: String,
    /// Digest of the manifest that was read.
    pub digest: Digest,
    /// The SBOM that is attached to it, by the digest of its manifest in the same repository.
    pub sbom: Option<Digest>,
}

/// A file of the image.
#[derive(Clone, Debug)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Digest of its content.
    pub digest: Digest,
}

impl Image {
    /// The package URL of the image.
    pub fn purl(&self) -> Purl {
        oci_purl(&self.repository, self.digest).with("arch", &self.platform.architecture)
    }
}

impl Artifact {
    /// The package URL of the artifact.
    pub fn purl(&self) -> Purl {
        oci_purl(&self.repository, self.digest)
    }
}

impl OperatingSystem {
    /// What scanners take the distribution from: `debian-13`.
    pub fn distro(&self) -> String {
        if self.version_id.is_empty() { self.id.clone() } else { format!("{}-{}", self.id, self.version_id) }
    }
}

impl Inventory {
    /// The package URL of one of the packages.
    pub fn package_purl(&self, package: &Package) -> Purl {
        package.purl(self.operating_system.as_ref())
    }

    /// The packages by name, architecture and version.
    pub(crate) fn sorted_packages(&self) -> Vec<&Package> {
        let mut packages: Vec<&Package> = self.packages.iter().collect();
        packages.sort_by_key(|package| (&package.name, &package.architecture, &package.version));
        packages
    }

    /// The artifacts by repository and digest.
    pub(crate) fn sorted_artifacts(&self) -> Vec<&Artifact> {
        let mut artifacts: Vec<&Artifact> = self.artifacts.iter().collect();
        artifacts.sort_by_key(|artifact| (&artifact.repository, artifact.digest));
        artifacts.dedup_by_key(|artifact| (&artifact.repository, artifact.digest));
        artifacts
    }

    /// The files by path.
    pub(crate) fn sorted_files(&self) -> Vec<&File> {
        let mut files: Vec<&File> = self.files.iter().collect();
        files.sort_by_key(|file| &file.path);
        files
    }

    /// All licences that SPDX does not list, by their references.
    pub(crate) fn licence_references(&self) -> BTreeMap<&str, &str> {
        self.packages
            .iter()
            .filter_map(|package| package.licence.as_ref())
            .flat_map(Licence::references)
            .collect()
    }
}

fn oci_purl(repository: &str, digest: Digest) -> Purl {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    Purl::new("oci", "", &name.to_ascii_lowercase(), &digest.to_string()).with("repository_url", repository)
}
