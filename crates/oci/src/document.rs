//! Manifests and indexes as documents: the parsed value beside the bytes whose digest names it.

use std::ops::Deref;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Digest;
use crate::descriptor::Descriptor;
use crate::index::Index;
use crate::manifest::Manifest;
use crate::media_type::{self, Role};

/// Longest manifest or index in bytes, the bound that the
/// [distribution specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests) recommends.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// Why bytes are not a manifest or index that Temper reads.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Longer than [`DOCUMENT_BYTES_MAX`].
    #[error("document has {size_bytes} bytes, more than {max}")]
    Length {
        /// Its length.
        size_bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not JSON of the right form.
    #[error("{document} cannot be parsed")]
    Json {
        /// What was expected.
        document: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Docker's schema 1, or a later one.
    #[error("manifest has schema version {0}, only 2 is supported")]
    SchemaVersion(u32),
    /// The document says that it is something else.
    #[error("{document} has the media type `{media_type}`")]
    MediaType {
        /// What was expected.
        document: &'static str,
        /// What it says.
        media_type: String,
    },
    /// The document's own media type and the one it was given with differ.
    #[error("document says that it is `{inside}`, but was given as `{outside}`")]
    Mismatch {
        /// In the document.
        inside: String,
        /// In the descriptor or the HTTP header.
        outside: String,
    },
    /// The document could be read as a manifest and as an index.
    #[error("document has both `manifests` and `layers` or `config`")]
    Ambiguous,
    /// The document is neither manifest nor index.
    #[error("document is neither an image manifest nor an image index")]
    Unknown,
    /// A layer that registries do not hold.
    #[error("layer `{0}` is a foreign layer, which is not supported")]
    ForeignLayer(Digest),
}

impl DocumentError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SchemaVersion(1) => {
                Some("pull and push the image with a current client to convert it".to_owned())
            }
            _ => None,
        }
    }
}

/// A value that is read from the bytes of a document.
pub trait Parse: Sized {
    /// Parses and checks the form.
    fn parse(bytes: &[u8]) -> Result<Self, DocumentError>;
}

/// A parsed value with the bytes it was read from, which alone are stored and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<T> {
    bytes: Bytes,
    digest: Digest,
    value: T,
}

impl<T: Parse> Document<T> {
    /// Parses a document; its digest is SHA-256.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, DocumentError> {
        let bytes = bytes.into();
        let value = T::parse(&bytes)?;
        Ok(Self { digest: Digest::of(&bytes), bytes, value })
    }
}

impl<T> Document<T> {
    /// Returns the bytes as they were.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the digest of the bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl<T> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "few of them live at a time, and none in a collection")]
pub enum ImageDocument {
    /// Several platforms.
    Index(Document<Index>),
    /// One platform, or none.
    Manifest(Document<Manifest>),
}

impl ImageDocument {
    /// Parses a document that came with this media type (of a descriptor or an HTTP header), if it came with one.
    ///
    /// Bytes that two clients could take for different things are refused, see
    /// [GHSA-77vh-xpmg-72qh](https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh).
    /// An image with a foreign layer is refused: its bytes cannot be had from the registry it came from.
    pub fn parse(bytes: impl Into<Bytes>, media_type: Option<&str>) -> Result<Self, DocumentError> {
        let document = Self::parse_with_foreign_layers(bytes, media_type)?;
        if let Self::Manifest(manifest) = &document {
            manifest.refuse_foreign_layers()?;
        }
        Ok(document)
    }

    /// The same for those who keep documents and do not read layers: a registry takes foreign ones too.
    pub fn parse_with_foreign_layers(
        bytes: impl Into<Bytes>,
        media_type: Option<&str>,
    ) -> Result<Self, DocumentError> {
        let bytes = bytes.into();
        let outline: Outline = parse_json(&bytes, "manifest or index")?;
        if outline.schema_version == Some(1) || outline.fs_layers.is_some() {
            return Err(DocumentError::SchemaVersion(1));
        }
        let is_manifest = outline.layers.is_some() || outline.config.is_some();
        let document = match (outline.manifests.is_some(), is_manifest) {
            (true, true) => return Err(DocumentError::Ambiguous),
            (true, false) => Self::Index(Document::parse(bytes)?),
            (false, true) => Self::Manifest(Document {
                value: Manifest::parse_with_foreign_layers(&bytes)?,
                digest: Digest::of(&bytes),
                bytes,
            }),
            (false, false) => return Err(DocumentError::Unknown),
        };
        match media_type.map(|text| text.split(';').next().unwrap_or("").trim()) {
            Some(outside) if outside != document.media_type() => Err(DocumentError::Mismatch {
                inside: document.media_type().to_owned(),
                outside: outside.to_owned(),
            }),
            _ => Ok(document),
        }
    }

    /// Returns the document's own media type.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Index(index) => index.media_type(),
            Self::Manifest(manifest) => manifest.media_type(),
        }
    }

    /// Returns the bytes as they were.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Index(index) => index.bytes(),
            Self::Manifest(manifest) => manifest.bytes(),
        }
    }

    /// Returns the digest of the bytes.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Index(index) => index.digest(),
            Self::Manifest(manifest) => manifest.digest(),
        }
    }

    /// Describes the document.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type(), self.digest(), self.bytes().len() as u64)
    }

    /// Lists what the document refers to and an image needs: manifests, or config and layers. A subject is not needed.
    pub fn children(&self) -> Vec<&Descriptor> {
        match self {
            Self::Index(index) => index.manifests.iter().collect(),
            Self::Manifest(manifest) => std::iter::once(&manifest.config).chain(&manifest.layers).collect(),
        }
    }
}

/// The fields that tell the kinds of document apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: Option<u32>,
    fs_layers: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
}

/// Says whether a media type is one that [`ImageDocument::parse`] reads.
pub fn is_image_document(media_type: &str) -> bool {
    matches!(media_type::role(media_type), Role::Index | Role::Manifest)
}

pub(crate) fn parse_json<T: DeserializeOwned>(
    bytes: &[u8],
    document: &'static str,
) -> Result<T, DocumentError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DocumentError::Length { size_bytes: bytes.len(), max: DOCUMENT_BYTES_MAX });
    }
    serde_json::from_slice(bytes).map_err(|source| DocumentError::Json { document, source })
}
