//! Images in memory as sources of bases and artifacts.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use temper_compose::{Attachments, External, ImageSource};
use temper_oci::{Descriptor, Digest, ImageDocument, Index, Platform};
use temper_testkit::image::{Image, Layer, build_index};

use crate::repository::MemoryRepository;

/// An image with one entry for each platform.
#[derive(Clone, Debug)]
pub(crate) struct MemoryImage {
    reference: String,
    root: Descriptor,
    blobs: BTreeMap<Digest, Vec<u8>>,
    /// What the source says about the repository's tags.
    pub(crate) has_immutable_tags: Option<bool>,
    /// Where signatures and attestations of the image are.
    pub(crate) attachments: Option<MemoryRepository>,
}

impl MemoryImage {
    /// Writes an index over images.
    pub(crate) fn new(reference: &str, images: &[Image]) -> Self {
        let mut blobs = BTreeMap::new();
        let root = build_index(images, &mut |digest, bytes| drop(blobs.insert(digest, bytes)));
        Self { reference: reference.to_owned(), root, blobs, has_immutable_tags: None, attachments: None }
    }

    /// Writes one image without an index.
    pub(crate) fn single(reference: &str, image: &Image) -> Self {
        let mut blobs = BTreeMap::new();
        let root = image.build(&mut |digest, bytes| drop(blobs.insert(digest, bytes)));
        Self { reference: reference.to_owned(), root, blobs, has_immutable_tags: None, attachments: None }
    }

    /// Takes an image whose blobs are written already.
    pub(crate) fn stored(reference: &str, root: Descriptor, blobs: BTreeMap<Digest, Vec<u8>>) -> Self {
        Self { reference: reference.to_owned(), root, blobs, has_immutable_tags: None, attachments: None }
    }

    /// Writes an artifact: one layer, for amd64 and arm64 alike.
    pub(crate) fn artifact(reference: &str, layer: &Layer) -> Self {
        Self::artifact_for(&["amd64", "arm64"], reference, layer)
    }

    /// Writes an artifact for some architectures.
    pub(crate) fn artifact_for(architectures: &[&str], reference: &str, layer: &Layer) -> Self {
        let image = |architecture: &&str| {
            Image::new(&Platform::linux(architecture)).layer(layer, temper_oci::Compression::Gzip)
        };
        Self::new(reference, &architectures.iter().map(image).collect::<Vec<_>>())
    }

    /// Returns the digest of the index, or of the manifest where there is none.
    pub(crate) fn digest(&self) -> Digest {
        self.root.digest
    }

    /// Returns the digest of one platform's manifest.
    pub(crate) fn platform_digest(&self, architecture: &str) -> Digest {
        let index: Index =
            serde_json::from_slice(&self.blobs[&self.root.digest]).expect("the root is an index");
        index.find(&Platform::linux(architecture)).expect("the platform is in the index").digest
    }

    /// Puts everything into a repository, under a tag.
    pub(crate) fn put(&self, repository: &MemoryRepository, tag: &str) {
        for bytes in self.blobs.values() {
            let media_type = ImageDocument::parse(bytes.clone(), None).map_or_else(
                |_| "application/octet-stream".to_owned(),
                |document| document.media_type().to_owned(),
            );
            repository.add(&media_type, bytes);
        }
        repository.set_tag(tag, self.root.clone());
    }

    /// Says whether a digest is one of its documents or blobs.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.blobs.contains_key(digest)
    }

    /// Returns the reference.
    pub(crate) fn name(&self) -> &str {
        &self.reference
    }

    fn bytes(&self, descriptor: &Descriptor) -> Result<&Vec<u8>, External> {
        let missing =
            || External { message: format!("`{}` is missing", descriptor.digest), hint: None, source: None };
        self.blobs.get(&descriptor.digest).ok_or_else(missing)
    }
}

impl ImageSource for MemoryImage {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let bytes = self.bytes(&self.root)?.clone();
        ImageDocument::parse(bytes, Some(&self.root.media_type))
            .map_err(|error| External::new("the root cannot be read", error))
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        Ok(self.bytes(descriptor)?.clone().into())
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        Ok(Box::new(self.bytes(descriptor)?.as_slice()))
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        self.attachments.as_ref().map(|place| place as &dyn Attachments)
    }

    fn has_immutable_tags(&self) -> Option<bool> {
        self.has_immutable_tags
    }
}
