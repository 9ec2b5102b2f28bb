//! The documents that the routes of customizations take and give.

use serde::{Deserialize, Serialize};
use temper_hub::{CustomizationDetails, TargetDetails};
use utoipa::ToSchema;

use crate::builds::Build;
use crate::time;

/// A customization with its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Customization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What its tags end with, behind `_`.
    pub suffix: String,
    /// Counts the edits, from 1.
    pub version: i64,
    /// The document in its canonical form, with the id.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// The same as YAML: what an edit takes.
    pub yaml: String,
    /// Its targets, in the order of the document.
    pub targets: Vec<Target>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// When it was last edited.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who edited it last.
    pub updated_by: String,
}

/// A target with its tags and its last build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// The repository of base and result.
    pub destination: String,
    /// The line of tags that it follows, where the repository has definitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_definition_id: Option<String>,
    /// The tags that it writes.
    pub tags: Vec<TargetTag>,
    /// The build at whose result the tags are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_build: Option<String>,
    /// When somebody last looked whether an input changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub checked_at: Option<String>,
    /// What came of it: `queued`, `unchanged`, `held` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_outcome: Option<String>,
    /// The newest build, whatever became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_build: Option<Build>,
}

/// A tag that a target writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetTag {
    /// The tag.
    pub tag: String,
    /// Where it points; absent before the first build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Documents that are sent together.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The documents.
    pub documents: Vec<SentDocument>,
}

/// A customization document, with what stands above it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SentDocument {
    /// How the sender calls it, a file's name; problems of several documents are told by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The document, YAML or JSON.
    pub text: String,
    /// Replaces its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Replaces the destination of its only target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Replaces the tag definition id of its only target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_definition_id: Option<String>,
}

/// A folder of documents that the server is to be equal to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// All of its documents.
    pub documents: Vec<SentDocument>,
    /// Whether nothing is changed, and only told what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether tags that are not written any more are removed.
    #[serde(default)]
    pub remove_tags: bool,
}

/// What differs between a folder and the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// A line for each document, and for each customization without one.
    pub lines: Vec<DriftLine>,
}

/// One customization of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftLine {
    /// What is done: `create`, `edit`, `delete` or `none`.
    pub action: String,
    /// The name of the customization.
    pub name: String,
    /// The repositories of its targets.
    pub destinations: Vec<String>,
    /// The document, as the sender calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The customization, where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The places of the document that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// Another document for a customization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomizationEdit {
    /// The document, with the id, YAML or JSON.
    pub text: String,
    /// Whether tags that it does not have any more are removed.
    #[serde(default)]
    pub remove_tags: bool,
}

/// A document that a customization had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomizationVersion {
    /// Its number.
    pub version: i64,
    /// The document in its canonical form.
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who wrote it.
    pub created_by: String,
    /// The version that it is a copy of, where one was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<i64>,
}

/// The version that is restored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restoration {
    /// Its number.
    pub version: i64,
}

/// How many targets were released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// How many had been held.
    pub targets: usize,
}

impl From<CustomizationDetails> for Customization {
    fn from(found: CustomizationDetails) -> Self {
        let record = found.record;
        Self {
            id: record.id,
            name: record.name,
            suffix: record.suffix,
            version: record.version,
            document: serde_json::to_value(&found.document).unwrap_or_default(),
            yaml: found.document.to_yaml(),
            targets: found.targets.into_iter().map(Target::from).collect(),
            created_at: time::text(record.created_at),
            created_by: record.created_by,
            updated_at: time::text(record.updated_at),
            updated_by: record.updated_by,
        }
    }
}

impl From<TargetDetails> for Target {
    fn from(found: TargetDetails) -> Self {
        let tag = |tag: temper_hub::TargetTag| TargetTag { tag: tag.tag, digest: tag.digest };
        Self {
            id: found.record.id,
            destination: found.record.destination,
            tag_definition_id: found.record.tag_definition_id,
            tags: found.tags.into_iter().map(tag).collect(),
            held_build: found.record.held_build_id,
            checked_at: found.record.checked_at.map(time::text),
            check_outcome: found.record.check_outcome,
            last_build: found.last_build.map(Build::from),
        }
    }
}

impl From<temper_hub::CustomizationVersion> for CustomizationVersion {
    fn from(found: temper_hub::CustomizationVersion) -> Self {
        Self {
            version: found.version,
            document: serde_json::from_str(&found.document).unwrap_or_default(),
            created_at: time::text(found.created_at),
            created_by: found.created_by,
            restored_from: found.restored_from,
        }
    }
}

impl From<temper_hub::Drift> for Drift {
    fn from(found: temper_hub::Drift) -> Self {
        let line = |line: temper_hub::DriftLine| DriftLine {
            action: line.action.as_str().to_owned(),
            name: line.name,
            destinations: line.destinations,
            file: line.document,
            id: line.id,
            differences: line.differences,
        };
        Self { lines: found.lines.into_iter().map(line).collect() }
    }
}
