//! What decided the bytes of an image beside its inputs.
//!
//! With the inputs, this is all that building the image again needs. Indexes of archives move on, so the choice of
//! packages is kept as it was made, not as the question that led to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temper_oci::{Digest, Platform};

/// What Temper itself decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Version of Temper.
    pub temper_version: String,
    /// Version of the rules and encoders that decide a layer's bytes; another one gives other layers.
    pub writer_version: String,
    /// Version of the rules of composition; another one may give another tree.
    pub rules_version: String,
    /// Digest over every resolved input; builds with one key have one result.
    pub build_key: Digest,
    /// The reference of the base that annotations carry; it need not be the one that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_name: Option<String>,
    /// Digests of the artifacts, in the order of the document: their names alone need not tell two of them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Digest>,
    /// What was decided for each platform of the result.
    pub platforms: BTreeMap<Platform, PlatformSettings>,
}

/// What Temper decides for one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSettings {
    /// Keys of the layers that were added, lowest first: equal keys under one writer version are equal layers.
    pub layer_keys: Vec<Digest>,
    /// Numbers that users of packages got, by name: an input of the next build.
    pub users: BTreeMap<String, u32>,
    /// Numbers that groups of packages got, by name.
    pub groups: BTreeMap<String, u32>,
    /// The archives that packages were chosen from, in the order that [`ChosenPackage::source`] counts in.
    pub sources: Vec<PackageSource>,
    /// The packages that were unpacked, in the order in which they were configured: it decides their users' numbers.
    pub install: Vec<ChosenPackage>,
    /// Packages of the base that were removed.
    pub remove: Vec<RemovedPackage>,
    /// Dependencies that the image does without, which its package database leaves out.
    pub waived: Vec<WaivedRelation>,
}

/// One suite of a package archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageSource {
    /// Its address, or `distribution:NAME`.
    pub uri: String,
    /// The suite.
    pub suite: String,
    /// Its components.
    pub components: Vec<String>,
    /// Name of the keyring that had signed it.
    pub keyring: String,
}

/// A package that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChosenPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// The version that it took the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Whether the document names it; the package database remembers.
    pub requested: bool,
    /// Which of the sources had it.
    pub source: usize,
    /// Path of its file below the source's address.
    pub path: String,
    /// Size of its file in bytes.
    pub size_bytes: u64,
    /// Digest of its file.
    pub digest: Digest,
}

/// A package of the base that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
}

/// A dependency that the image does without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaivedRelation {
    /// The package that has it.
    pub package: String,
    /// The dependency as it stands in the archive.
    pub relation: String,
    /// The forbidden packages that alone could satisfy it.
    pub forbidden: Vec<String>,
}
