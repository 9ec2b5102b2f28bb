//! The composition record: where each path, variable, account and setting of an image comes from.
//!
//! It is attached to the manifest of each platform, as the predicate of [`predicate::COMPOSITION`]. Paths are grouped
//! by their origin, so that a record of many thousand paths says each origin once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temper_attest::{Statement, Subject, predicate};
use temper_oci::{Digest, Platform};

use crate::command::Effective;
use crate::environment::Variable;
use crate::plan::Setting;

/// Where everything in the image of one platform comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompositionRecord {
    /// The platform.
    pub platform: Platform,
    /// Every path, by its origin; origins are sorted, and so are the paths of each.
    pub origins: Vec<OriginPaths>,
    /// The variables, in the order of the image's config.
    pub environment: Vec<Variable>,
    /// The users, in the order of `/etc/passwd`.
    pub users: Vec<AccountOrigin>,
    /// The groups, in the order of `/etc/group`.
    pub groups: Vec<AccountOrigin>,
    /// The user that the image runs as.
    pub user: Setting,
    /// The working directory.
    pub work_dir: Setting,
    /// The entrypoint.
    pub entrypoint: Effective,
    /// The cmd.
    pub cmd: Effective,
}

/// Paths of one origin, each with a leading slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginPaths {
    /// The origin.
    #[serde(flatten)]
    pub origin: PathOrigin,
    /// Files with the SHA-256 digest of their content, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Directories, links and whatever else has no content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

/// Where a path comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "kebab-case")]
pub enum PathOrigin {
    /// The base.
    Base {
        /// The layer of the base that has the file's content; what has no content is in one of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        layer: Option<Digest>,
        /// The package of the base that owns it, where one alone does: `libc6 2.41-12`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        package: Option<String>,
    },
    /// A package that was added or upgraded.
    Package {
        /// Its name and version: `curl 8.14.1-2`.
        package: String,
        /// Digest of its file.
        digest: Option<Digest>,
    },
    /// An artifact.
    Artifact {
        /// Its reference in the document.
        reference: String,
        /// Digest of its manifest for the platform.
        digest: Option<Digest>,
    },
    /// The document itself.
    Document,
    /// Computed, as a package's installation would.
    Effect {
        /// The effect that computes it.
        name: String,
    },
}

/// Who made a user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOrigin {
    /// Its name.
    pub name: String,
    /// Its number.
    pub id: u32,
    /// `base`, `customization`, or `package NAME`.
    pub origin: String,
}

impl CompositionRecord {
    /// States the record of a platform's manifest.
    pub fn statement(&self, subject: Subject) -> Statement {
        let predicate = serde_json::to_value(self).expect("a record has string keys only");
        Statement::new(vec![subject], predicate::COMPOSITION, predicate)
    }

    /// Reads the record of a statement that was verified; `None` for a statement of another type.
    pub fn from_statement(statement: &Statement) -> Option<Result<Self, serde_json::Error>> {
        let is_record = statement.predicate_type == predicate::COMPOSITION;
        is_record.then(|| Self::deserialize(&statement.predicate))
    }

    /// Returns the origin of a path with a leading slash, with the digest of its content where it is a file.
    pub fn find(&self, path: &str) -> Option<(&PathOrigin, Option<&str>)> {
        self.origins.iter().find_map(|group| {
            if let Some(digest) = group.files.get(path) {
                return Some((&group.origin, Some(digest.as_str())));
            }
            let is_here = group.others.binary_search_by(|other| other.as_str().cmp(path)).is_ok();
            is_here.then_some((&group.origin, None))
        })
    }
}
