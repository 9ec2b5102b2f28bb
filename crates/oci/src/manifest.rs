//! Image manifests.
//!
//! Follows the [OCI image specification, "Image Manifest"](https://github.com/opencontainers/image-spec/blob/main/manifest.md)
//! and Docker's schema 2, which has the same form. Schema 1 is refused, and so are foreign layers where an image is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::descriptor::{Descriptor, null_is_empty};
use crate::document::{DocumentError, Parse, parse_json};
use crate::media_type::{self, Role};

/// One image, or one artifact, for one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// The manifest's own media type; OCI manifests may leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact this is, where it is no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The image config.
    pub config: Descriptor,
    /// Layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one says something about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Statements about the image, sorted by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Everything else, as it was.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Manifest {
    /// Makes an OCI image manifest.
    pub fn image(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
            other: Map::new(),
        }
    }

    /// Returns the media type, the OCI one where the manifest does not say.
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST)
    }

    /// Says whether this is a container image: its config is an image config and every layer is a file system.
    ///
    /// Build attestations have an image config too, but layers of another kind.
    pub fn is_image(&self) -> bool {
        let is_layer = |layer: &Descriptor| matches!(media_type::role(&layer.media_type), Role::Layer(_));
        media_type::role(&self.config.media_type) == Role::Config && self.layers.iter().all(is_layer)
    }

    /// Returns the bytes to store: compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has string keys only")
    }
}

impl Parse for Manifest {
    fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let manifest = Self::parse_with_foreign_layers(bytes)?;
        manifest.refuse_foreign_layers().map(|()| manifest)
    }
}

impl Manifest {
    pub(crate) fn parse_with_foreign_layers(bytes: &[u8]) -> Result<Self, DocumentError> {
        let manifest: Self = parse_json(bytes, "image manifest")?;
        if manifest.schema_version != 2 {
            return Err(DocumentError::SchemaVersion(manifest.schema_version));
        }
        if media_type::role(manifest.media_type()) != Role::Manifest {
            return Err(DocumentError::MediaType {
                document: "image manifest",
                media_type: manifest.media_type().to_owned(),
            });
        }
        Ok(manifest)
    }

    pub(crate) fn refuse_foreign_layers(&self) -> Result<(), DocumentError> {
        match self.layers.iter().find(|layer| media_type::role(&layer.media_type) == Role::ForeignLayer) {
            Some(layer) => Err(DocumentError::ForeignLayer(layer.digest)),
            None => Ok(()),
        }
    }
}
