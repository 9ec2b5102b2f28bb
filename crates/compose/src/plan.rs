//! The plan: everything that a build would do, as it is printed, returned by the API, and stored with each build.

use serde::{Deserialize, Serialize};
use temper_oci::{Digest, Platform};

use crate::command::Effective;
use crate::environment::Variable;
use crate::finding::{Finding, Findings};

/// The plan of one customization target, or of one definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the customization or definition.
    pub name: String,
    /// The base image; absent for an image that is built from a definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ImageSummary>,
    /// The artifacts, in the document's order.
    pub artifacts: Vec<ImageSummary>,
    /// The repository that the result goes to, where the document names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Tags to be written.
    pub tags: Vec<String>,
    /// Digest over every resolved input; absent while there are problems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_key: Option<Digest>,
    /// Compression of the new layers, `gzip` or `zstd`.
    pub compression: String,
    /// What happens for each platform.
    pub platforms: Vec<PlatformPlan>,
    /// Platforms that the base has and the result will not have.
    pub platforms_lost: Vec<LostPlatform>,
    /// Problems and warnings that belong to no single platform.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Plan {
    /// Says whether anything keeps the build from starting.
    pub fn has_problems(&self) -> bool {
        !self.findings.problems.is_empty()
            || self.platforms.iter().any(|platform| !platform.findings.problems.is_empty())
    }

    /// Lists every problem with the platform it belongs to, if it belongs to one.
    pub fn problems(&self) -> impl Iterator<Item = (Option<&Platform>, &Finding)> {
        self.each(|findings| &findings.problems)
    }

    /// Lists every warning with the platform it belongs to, if it belongs to one.
    pub fn warnings(&self) -> impl Iterator<Item = (Option<&Platform>, &Finding)> {
        self.each(|findings| &findings.warnings)
    }

    fn each(
        &self,
        list: impl Fn(&Findings) -> &Vec<Finding> + Copy,
    ) -> impl Iterator<Item = (Option<&Platform>, &Finding)> {
        let own = list(&self.findings).iter().map(|finding| (None, finding));
        own.chain(self.platforms.iter().flat_map(move |platform| {
            list(&platform.findings).iter().map(|finding| (Some(&platform.platform), finding))
        }))
    }
}

/// An image that goes into the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSummary {
    /// Its reference as the document or the command names it.
    pub reference: String,
    /// Digest of its index, or of its manifest where it has no index.
    pub digest: Digest,
}

/// A platform that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostPlatform {
    /// Which one.
    pub platform: Platform,
    /// Why.
    pub reason: String,
}

/// What happens for one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformPlan {
    /// Which one.
    pub platform: Platform,
    /// Packages that are installed, upgraded or removed, by name.
    pub packages: Vec<PackageLine>,
    /// Dependencies that the image does without, because the document leaves out what they ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<WaivedLine>,
    /// What wins over what.
    pub collisions: Vec<CollisionLine>,
    /// The environment of the result.
    pub environment: Vec<Variable>,
    /// The entrypoint of the result.
    pub entrypoint: Effective,
    /// The cmd of the result.
    pub cmd: Effective,
    /// The user of the result with who set it.
    pub user: Setting,
    /// The working directory of the result with who set it.
    pub work_dir: Setting,
    /// Users and groups that are added.
    pub accounts: Vec<AccountLine>,
    /// Layers of the result, lowest first.
    pub layers: Vec<LayerLine>,
    /// Size of all layers as they are transferred, in bytes, where every new one is known already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// What artifacts and the document itself bring, by path.
    pub files: Vec<FileLine>,
    /// Files that are computed: path and the rule that computes it.
    pub generated: Vec<GeneratedLine>,
    /// Paths of the base that go away, each with a leading slash.
    pub removed: Vec<String>,
    /// What packages' scripts would do and Temper does not.
    pub not_reproduced: Vec<NotReproducedLine>,
    /// Problems and warnings of this platform.
    #[serde(flatten)]
    pub findings: Findings,
}

/// One package of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageLine {
    /// Package name.
    pub name: String,
    /// The version that is installed, or that is removed.
    pub version: String,
    /// Architecture of the package (`all` for one without).
    pub architecture: String,
    /// `install`, `upgrade` or `remove`.
    pub action: String,
    /// The version that is there before an upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_version: Option<String>,
    /// Why, in words: `requested`, or which package needs it.
    pub reason: String,
    /// Size of the package file in bytes; 0 for a removal.
    pub size_bytes: u64,
    /// Size of its files as the package states it, in KiB.
    pub installed_size_kib: u64,
}

/// A dependency of a plan that the image does without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaivedLine {
    /// The package that has it.
    pub package: String,
    /// The dependency as it stands in the archive.
    pub relation: String,
    /// The packages that alone could satisfy it, which the document leaves out.
    pub forbidden: Vec<String>,
}

/// One collision of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollisionLine {
    /// The path, with a leading slash.
    pub path: String,
    /// Who had it.
    pub loser: String,
    /// Who has it in the result.
    pub winner: String,
    /// What differs: `content`, `type`, `metadata`, …
    pub kind: String,
}

/// A value with who set it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The value; empty where there is none.
    pub value: String,
    /// `base` or `customization`; empty where there is none.
    pub origin: String,
}

/// A user or a group that is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLine {
    /// `user` or `group`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its number.
    pub id: u64,
    /// Who wants it: `customization`, or a package's name.
    pub origin: String,
}

/// One layer of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerLine {
    /// `base`, `packages`, `artifact REFERENCE`, `files` or `system`.
    pub name: String,
    /// `reused` for one that is there already, `new` for one that is to be written.
    pub action: String,
    /// Its digest, where it is known already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its size as it is transferred, where it is known already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Sum of the sizes of its files in bytes; absent for the base's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_size_bytes: Option<u64>,
    /// How many paths it writes; absent for the base's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<usize>,
}

/// A path that an artifact or the document brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// The path as it stands in the result, links of its parents followed, with a leading slash.
    pub path: String,
    /// `file`, `directory` or `symbolic link`.
    pub kind: String,
    /// Permission bits in octal, `0755`.
    pub mode: String,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Size of a file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Where a symbolic link leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who brings it: `document`, or `artifact REFERENCE`.
    pub origin: String,
}

/// A file that is computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedLine {
    /// The path, with a leading slash.
    pub path: String,
    /// The effect that computes it.
    pub effect: String,
}

/// Something that a package's script would do and Temper does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReproducedLine {
    /// Package name.
    pub package: String,
    /// Script and line, `postinst:12`.
    pub at: String,
    /// The statement.
    pub statement: String,
    /// Why.
    pub reason: String,
}
