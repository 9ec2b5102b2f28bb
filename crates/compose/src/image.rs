//! Images as composition reads them: bases and artifacts with one entry for each platform.

use std::collections::BTreeSet;
use std::io::Read;

use bytes::Bytes;
use temper_oci::{Descriptor, Digest, Document, ImageConfig, ImageDocument, Manifest, Platform};

use crate::attachments::Attachments;
use crate::blob_store::BlobStore;
use crate::error::{ComposeError, External};

/// An image somewhere: in a layout, a registry, or the store itself. What it returns has the digest that was asked for.
pub trait ImageSource: Send + Sync {
    /// How messages and plans call the image.
    fn reference(&self) -> &str;

    /// Reads its index, or its manifest where it has no index.
    fn root(&self) -> Result<ImageDocument, External>;

    /// Reads a manifest or config whole.
    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External>;

    /// Opens a layer for reading; its reader fails where the bytes are not those of the digest.
    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External>;

    /// Returns where signatures and attestations of the image are looked for; nothing where there can be none.
    fn attachments(&self) -> Option<&dyn Attachments> {
        None
    }

    /// Says whether the repository's tags cannot be moved, where that is known.
    fn has_immutable_tags(&self) -> Option<bool> {
        None
    }
}

/// An image with the parts of all its platforms.
#[derive(Clone, Debug)]
pub struct Image {
    /// How messages and plans call it.
    pub reference: String,
    /// Its index, or its manifest where it has no index.
    pub root: ImageDocument,
    /// Its platforms in the order of the index; placeholders of build attestations are left out.
    pub platforms: Vec<PlatformImage>,
}

/// One platform of an image.
#[derive(Clone, Debug)]
pub struct PlatformImage {
    /// Which one.
    pub platform: Platform,
    /// Its manifest.
    pub manifest: Document<Manifest>,
    /// Its config.
    pub config: ImageConfig,
}

impl Image {
    /// Reads index, manifests and configs of an image.
    pub fn load(source: &dyn ImageSource) -> Result<Self, ComposeError> {
        Self::load_below(source, source.root()?)
    }

    /// Reads what is below an index or manifest that was read already.
    pub(crate) fn load_below(source: &dyn ImageSource, root: ImageDocument) -> Result<Self, ComposeError> {
        let mut platforms: Vec<PlatformImage> = match &root {
            ImageDocument::Manifest(manifest) => vec![load_platform(source, None, manifest.clone())?],
            ImageDocument::Index(index) => index
                .images()
                .map(|(platform, descriptor)| {
                    let bytes = source.document(descriptor)?;
                    let manifest = Document::parse(bytes).map_err(|error| wrong(source, &error))?;
                    load_platform(source, Some(platform), manifest)
                })
                .collect::<Result<_, _>>()?,
        };
        // An index may offer one platform in several forms; runtimes take the first.
        let mut known = BTreeSet::new();
        platforms.retain(|image| known.insert(image.platform.clone()));
        if platforms.is_empty() {
            return Err(wrong(source, &"its index names no platform"));
        }
        Ok(Self { reference: source.reference().to_owned(), root, platforms })
    }

    /// Does the same, and keeps the documents, so that the image is an input of its results for good.
    pub(crate) fn load_kept(source: &dyn ImageSource, store: &dyn BlobStore) -> Result<Self, ComposeError> {
        let kept = Kept { source, store };
        let image = Self::load(&kept)?;
        kept.keep(image.root.bytes())?;
        Ok(image)
    }

    /// Returns the digest of its index, or of its manifest where it has no index.
    pub fn digest(&self) -> Digest {
        self.root.digest()
    }

    /// Returns the parts of a platform, if it has it.
    pub fn find(&self, platform: &Platform) -> Option<&PlatformImage> {
        self.platforms.iter().find(|image| image.platform == *platform)
    }

    /// Lists its platforms.
    pub fn platforms(&self) -> Vec<Platform> {
        self.platforms.iter().map(|image| image.platform.clone()).collect()
    }
}

impl PlatformImage {
    /// Returns what leads to its manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(self.manifest.media_type(), self.manifest.bytes())
    }
}

fn load_platform(
    source: &dyn ImageSource,
    platform: Option<Platform>,
    manifest: Document<Manifest>,
) -> Result<PlatformImage, ComposeError> {
    if !manifest.is_image() {
        return Err(wrong(source, &format!("manifest `{}` is not that of an image", manifest.digest())));
    }
    let config =
        ImageConfig::parse(&source.document(&manifest.config)?).map_err(|error| wrong(source, &error))?;
    if config.diff_ids().len() != manifest.layers.len() {
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids().len());
        return Err(wrong(
            source,
            &format!("its manifest has {layers} layers, its config {diff_ids} diff ids"),
        ));
    }
    // The index speaks for the image; a manifest that stands alone has only its config to say.
    let platform = platform.unwrap_or_else(|| config.platform());
    Ok(PlatformImage { platform, manifest, config })
}

fn wrong(source: &dyn ImageSource, reason: &dyn std::fmt::Display) -> ComposeError {
    ComposeError::Image { reference: source.reference().to_owned(), reason: reason.to_string() }
}

/// An image whose documents are kept as they are read.
struct Kept<'a> {
    source: &'a dyn ImageSource,
    store: &'a dyn BlobStore,
}

impl Kept<'_> {
    fn keep(&self, bytes: &[u8]) -> Result<(), External> {
        let kept = self.store.put(bytes).map(drop);
        kept.map_err(|error| External::new("could not keep the documents of an image", error))
    }
}

impl ImageSource for Kept<'_> {
    fn reference(&self) -> &str {
        self.source.reference()
    }

    fn root(&self) -> Result<ImageDocument, External> {
        self.source.root()
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        let bytes = self.source.document(descriptor)?;
        self.keep(&bytes)?;
        Ok(bytes)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        self.source.layer(descriptor)
    }
}
