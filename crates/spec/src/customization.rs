//! The customization document: what to add to a hardened image, and under which name it is published.
//!
//! The format is the one that the hosted product documents for its YAML files, with a few fields of our own
//! ([image customization YAML file](https://docs.docker.com/dhi/how-to/customize/#image-customization-yaml-file)).
//! Other spellings of its tools and the older form with one target end in the same types.

mod arguments;
mod certificate;
pub(crate) mod check;
mod document;
mod mode;
mod package;
mod suffix;

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use temper_oci::Platform;

use crate::parsed::Parsed;
use crate::problem::Problems;
use crate::read::record::record;
use crate::read::{At, Read, Report, text};
use crate::yaml::{self, Limits, Node};

pub use arguments::Arguments;
pub use certificate::{ArtifactFile, Certificate};
pub(crate) use document::Document;
pub use mode::Mode;
pub use package::{Constraint, PackageRequest, ParsePackageRequestError, Relation};
pub use suffix::{TAG_LENGTH_MAX, derive_suffix};

/// A checked customization; every rule that needs nothing but the document holds.
///
/// Serialized, it has the canonical keys of the YAML form; [`Customization::from_json`] reads that back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Customization {
    /// Given by Temper: absent on create, required on edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name that people see.
    pub name: String,
    /// What is added to tags behind `_`, where it is not derived from the name; see [`Customization::suffix`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Where results go and what they are made from; at least one.
    pub targets: Vec<Target>,
    /// Packages and artifacts.
    #[serde(skip_serializing_if = "Contents::is_empty")]
    pub contents: Contents,
    /// Static files; never executed by a build.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<File>,
    /// Users and groups; absent where the document says nothing about accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
    /// Environment variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Labels of the image's config.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of index and manifests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Change of the entrypoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Arguments>,
    /// Change of the cmd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Arguments>,
    /// Absolute path of the working directory.
    #[serde(rename = "work-dir", skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
    /// Signal that stops a container.
    #[serde(rename = "stop-signal", skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Platforms to build, at least one; absent means all that the base has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<Platform>>,
    /// Compression of layers; absent means the base's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Certificates that join the system's bundle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// Replaced image references of a chart; never together with what changes images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference_mappings: Vec<ReferenceMapping>,
}

/// Values from the command line that stand above those of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Replaces `name`.
    pub name: Option<String>,
    /// Replaces the destination of the only target.
    pub destination: Option<String>,
    /// Replaces the tag definition id, or the tags, of the only target.
    pub tag_definition_id: Option<String>,
}

impl Customization {
    /// Reads and checks a document, and reports all of its problems at once.
    pub fn parse(text: &str) -> Result<Parsed<Self>, Problems> {
        Self::parse_with(text, &Overrides::default())
    }

    /// Reads and checks a document as it is after the overrides.
    pub fn parse_with(text: &str, overrides: &Overrides) -> Result<Parsed<Self>, Problems> {
        Self::read_tree(&yaml::parse(text, &Limits::DEFAULT)?, overrides, Report::default())
    }

    /// Reads and checks a document that came as JSON; its problems have paths, but no lines.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, Problems> {
        let report = Report::without_text();
        Self::read_tree(&Node::from_json(json), &Overrides::default(), report).map(|parsed| parsed.value)
    }

    fn read_tree(tree: &Node, overrides: &Overrides, mut report: Report) -> Result<Parsed<Self>, Problems> {
        report.locate(&At::ROOT, tree.position);
        let value = Document::read(tree, &At::ROOT, &mut report)
            .map(|document| document.resolve(overrides, &mut report))
            .inspect(|customization| check::customization(customization, &mut report));
        Parsed::new(value, report)
    }

    /// Prints the canonical form; [`Customization::parse`] gives back an equal document.
    pub fn to_yaml(&self) -> String {
        // Keys are texts and no map has any other key, so the only way to fail does not exist.
        let json = serde_json::to_value(self).expect("documents have text keys only");
        yaml::print(&Node::from_json(&json))
    }

    /// Returns what is added to every tag behind `_`: the given suffix, else the one that the name gives.
    pub fn suffix(&self) -> String {
        self.suffix.clone().unwrap_or_else(|| derive_suffix(&self.name))
    }

    /// Returns the tag of the result for a tag of the base: `3.13` gives `3.13_custom`.
    pub fn tag_for(&self, tag: &str) -> String {
        format!("{tag}_{}", self.suffix())
    }

    /// Says whether this customizes charts.
    pub fn is_chart(&self) -> bool {
        !self.reference_mappings.is_empty() || self.targets.iter().any(Target::is_chart)
    }
}

record! {
    /// Where a result goes, and the tags of the base that it is made from.
    pub struct Target {
        /// Repository of the base and of the result: `acme/dhi-golang`, with a registry host or without.
        destination: String = "destination", check check::repository;
        /// Catalog repository that the destination mirrors, `dhi/golang`; informative.
        source: Option<String> = "source";
        /// Line of tags that move together: `golang/debian-13/1.25`.
        tag_definition_id: Option<String> = "tag_definition_id" | "tag-definition-id", check check::definition_id;
        /// One tag of the base, for repositories without definitions.
        tag: Option<String> = "tag", check check::tag;
        /// More tags of the base, for repositories without definitions.
        tags: Vec<String> = "tags", check check::tags;
    } check check::target
}

/// The tags of the base that a target follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagLine<'a> {
    /// All tags of the tag definition with this id.
    Definition(&'a str),
    /// Exactly these tags, at least one.
    Tags(Vec<&'a str>),
}

impl Target {
    /// Returns the tags that the target follows.
    pub fn line(&self) -> TagLine<'_> {
        if let Some(id) = &self.tag_definition_id {
            return TagLine::Definition(id);
        }
        let more = self.tags.iter().filter(|tag| Some(*tag) != self.tag.as_ref());
        TagLine::Tags(self.tag.iter().chain(more).map(String::as_str).collect())
    }

    /// Says whether the target's definition is that of a chart: `haproxy/helm/1`.
    pub fn is_chart(&self) -> bool {
        self.tag_definition_id.as_deref().is_some_and(|id| id.split('/').nth(1) == Some("helm"))
    }

    /// Returns the namespace of the destination, `acme` of `registry.example:5000/acme/dhi-golang`.
    pub fn namespace(&self) -> &str {
        check::namespace(&self.destination)
    }
}

record! {
    /// Packages and artifacts to add.
    pub struct Contents {
        /// Packages to add or to forbid: `git`, `curl=8.14.1-2`, `!perl`.
        packages: Vec<PackageRequest> = "packages", check check::packages;
        /// OCI images whose files are copied in; later ones win.
        artifacts: Vec<Artifact> = "artifacts";
    }
}

record! {
    /// An OCI image whose files are copied in.
    pub struct Artifact {
        /// Reference with tag or digest, in the namespace of the destination.
        name: String = "name", check check::reference;
        /// Paths or globs (`*`, `**`, `?`) to copy; nothing is copied by default.
        includes: Vec<String> = "includes" | "include", check check::artifact_paths;
        /// Paths or globs below the included ones to leave out.
        excludes: Vec<String> = "excludes" | "exclude", check check::artifact_paths;
    } check check::artifact
}

record! {
    /// A static file.
    pub struct File {
        /// Absolute path.
        path: String = "path", check check::file_path;
        /// The file's text.
        contents: String = "contents" | "content";
        /// Permissions in octal, at most 07777.
        mode: Mode = "mode", default Mode::FILE;
        /// User id of the owner.
        uid: u32 = "uid", default 0, check check::id;
        /// Group id of the owner.
        gid: u32 = "gid", default 0, check check::id;
    }
}

record! {
    /// Users, groups, and who runs the container.
    pub struct Accounts {
        /// Makes sure that the user root exists.
        root: bool = "root";
        /// Name or id of the user that the container runs as.
        runs_as: Option<String> = "runs-as" | "run-as", check check::account_name;
        /// Users to add.
        users: Vec<User> = "users", check check::users;
        /// Groups to add.
        groups: Vec<Group> = "groups", check check::groups;
    } check check::accounts
}

record! {
    /// A user to add.
    pub struct User {
        /// Login name.
        name: String = "name", check check::account_name;
        /// User id.
        uid: u32 = "uid", check check::id;
        /// Id of the primary group; without it the user gets a group of its own name and id.
        gid: Option<u32> = "gid", check check::id;
    }
}

record! {
    /// A group to add.
    pub struct Group {
        /// Name.
        name: String = "name", check check::account_name;
        /// Group id.
        gid: u32 = "gid", check check::id;
        /// Names of users that belong to it.
        members: Vec<String> = "members", check check::account_names;
    }
}

record! {
    /// A chart's image reference and what takes its place.
    pub struct ReferenceMapping {
        /// Repository as the chart names it.
        from: String = "from", check check::reference;
        /// Repository to write; without a host it is in the organization's registry.
        to: String = "to", check check::reference;
    }
}

/// Compression of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compression {
    /// Smaller and faster; not read by old tools.
    Zstd,
    /// Read by everything.
    Gzip,
}

impl Read for Compression {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        match text.to_ascii_uppercase().as_str() {
            "ZSTD" => Some(Self::Zstd),
            "GZIP" => Some(Self::Gzip),
            _ => {
                report.problem(at, format!("`{text}` is neither `ZSTD` nor `GZIP`"));
                None
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["ZSTD", "GZIP", "zstd", "gzip"] })
    }
}

impl Contents {
    /// Nothing to add.
    pub const EMPTY: Self = Self { packages: Vec::new(), artifacts: Vec::new() };

    /// Says whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.artifacts.is_empty()
    }
}
