//! Descriptors: how one document names the bytes of another.
//!
//! Follows the [OCI image specification, "Content Descriptors"](https://github.com/opencontainers/image-spec/blob/main/descriptor.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Digest, Platform};

/// The reference name of an entry of a layout's index.
pub const ANNOTATION_REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Media type, digest and size of some bytes, with what else is said of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are, see [`crate::media_type`].
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Length of the bytes.
    pub size: u64,
    /// Which machine an image is for, in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformFields>,
    /// What kind of artifact a manifest is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Further statements, sorted by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Everything else (`urls`, `data` and what later specifications add), as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The platform of a descriptor with all its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformFields {
    /// Architecture in Go's words.
    pub architecture: String,
    /// Operating system in Go's words.
    pub os: String,
    /// Variant of the architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Everything else (`os.version`, `os.features`), as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// Describes some bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// Describes bytes by what is known of them.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Returns the descriptor with a platform.
    #[must_use]
    pub fn with_platform(self, platform: &Platform) -> Self {
        Self { platform: Some(platform.into()), ..self }
    }

    /// Returns the platform in its one form, default variants left out.
    pub fn platform(&self) -> Option<Platform> {
        self.platform.as_ref().map(Platform::from)
    }
}

impl From<&Platform> for PlatformFields {
    fn from(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            other: Map::new(),
        }
    }
}

impl From<&PlatformFields> for Platform {
    fn from(fields: &PlatformFields) -> Self {
        Self::new(&fields.os, &fields.architecture, fields.variant.as_deref())
    }
}

/// Go programs write `null` for an empty map.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
