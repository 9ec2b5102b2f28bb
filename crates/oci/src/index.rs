//! Image indexes: one name, several platforms.
//!
//! Follows the [OCI image specification, "Image Index"](https://github.com/opencontainers/image-spec/blob/main/image-index.md)
//! and Docker's manifest list, which has the same form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Platform;
use crate::descriptor::{Descriptor, null_is_empty};
use crate::document::{DocumentError, Parse, parse_json};
use crate::media_type::{self, Role};

/// A list of manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The index's own media type; OCI indexes may leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact this is, where it is no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests, in the order of preference.
    #[serde(deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one says something about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Statements about the whole, sorted by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Everything else, as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Index {
    /// Makes an OCI index.
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Returns the media type, the OCI one where the index does not say.
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(media_type::OCI_INDEX)
    }

    /// Lists the images with their platforms; build attestations (`unknown/unknown`) and entries without one are none.
    pub fn images(&self) -> impl Iterator<Item = (Platform, &Descriptor)> {
        let known = |entry: &Descriptor| entry.platform().filter(|platform| !platform.is_unknown());
        self.manifests.iter().filter_map(move |entry| Some((known(entry)?, entry)))
    }

    /// Returns the first image for a platform.
    pub fn find(&self, platform: &Platform) -> Option<&Descriptor> {
        self.images().find(|(candidate, _)| candidate == platform).map(|(_, entry)| entry)
    }

    /// Returns the bytes to store: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an index has string keys only")
    }
}

impl Parse for Index {
    fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let index: Self = parse_json(bytes, "image index")?;
        if index.schema_version != 2 {
            return Err(DocumentError::SchemaVersion(index.schema_version));
        }
        if media_type::role(index.media_type()) != Role::Index {
            let media_type = index.media_type().to_owned();
            return Err(DocumentError::MediaType { document: "image index", media_type });
        }
        Ok(index)
    }
}
