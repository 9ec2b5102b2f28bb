//! An image with everything below it and everything that is attached to any of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use temper_compose::{Destination, External};
use temper_oci::document::{DOCUMENT_BYTES_MAX, is_image_document};
use temper_oci::{Descriptor, Digest, ImageConfig, ImageDocument};

use super::fault::{Fault, fault};
use super::upstream::Upstream;
use crate::error::HubError;

/// Most manifests of one image with all that is attached to it.
const DOCUMENTS_MAX: usize = 10_000;

/// Most indexes within indexes.
const DEPTH_MAX: usize = 8;

/// Where hardened images say which definition they were made of, as label or annotation.
const DEFINITION: &str = "com.docker.dhi.definition";

/// A manifest or index.
pub(super) struct Item {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Bytes,
    document: ImageDocument,
    /// Whether the destination lacks it, and perhaps what it names.
    pub(super) is_new: bool,
}

/// What belongs to an image.
pub(super) struct Closure<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) destination: &'a dyn Destination,
    /// Where the destination's tags point.
    local: &'a BTreeMap<String, Digest>,
    /// Children before what names them.
    items: Vec<Item>,
    known: BTreeMap<Digest, usize>,
    /// Blobs of new manifests, each once.
    blobs: Vec<Descriptor>,
    root: usize,
    /// Tags of attachments that are to be moved.
    tagged: BTreeMap<String, usize>,
    /// What refers to what, as the upstream lists it.
    listed: BTreeMap<Digest, Vec<Descriptor>>,
}

impl<'a> Closure<'a> {
    pub(super) fn new(
        upstream: &'a Upstream,
        destination: &'a dyn Destination,
        local: &'a BTreeMap<String, Digest>,
    ) -> Self {
        let (items, known, blobs, root) = (Vec::new(), BTreeMap::new(), Vec::new(), 0);
        let (tagged, listed) = (BTreeMap::new(), BTreeMap::new());
        Self { upstream, destination, local, items, known, blobs, root, tagged, listed }
    }

    /// Reads an image with everything below it.
    pub(super) fn root(&mut self, digest: Digest) -> Result<Descriptor, HubError> {
        self.root = self.add(digest, 0)?;
        Ok(self.items[self.root].descriptor.clone())
    }

    /// Reads everything that is attached to the image, to its parts, and to what is attached to them.
    ///
    /// An attachment that is broken upstream is left out: the image is as good as it was without.
    pub(super) fn attachments(&mut self) -> Result<(), HubError> {
        let mut next = 0;
        while let Some(item) = self.items.get(next) {
            let subject = item.descriptor.digest;
            next += 1;
            let referrers = self.upstream.referrers(subject)?;
            self.list(subject, referrers)?;
            let upstream = self.upstream;
            for tag in upstream.tags_about(subject) {
                self.tag(subject, tag)?;
            }
        }
        Ok(())
    }

    /// Adds what refers to a manifest, as far as it is whole.
    fn list(&mut self, subject: Digest, referrers: Vec<Descriptor>) -> Result<(), HubError> {
        for referrer in referrers {
            if self.try_add(referrer.digest)?.is_some() {
                self.listed.entry(subject).or_default().push(referrer);
            }
        }
        Ok(())
    }

    fn tag(&mut self, subject: Digest, tag: &str) -> Result<(), HubError> {
        let Some(head) = self.upstream.head(tag)? else { return Ok(()) };
        if self.local.get(tag) == Some(&head.digest) {
            return Ok(());
        }
        // A destination that keeps no lists has one under the same tag, in which others are listed too.
        if !tag.contains('.') && self.destination.referrers(&subject)?.is_none() {
            let (_, bytes) = self.upstream.document(head.digest)?;
            let Ok(ImageDocument::Index(list)) = ImageDocument::parse(bytes, None) else { return Ok(()) };
            return self.list(subject, list.manifests.clone());
        }
        if let Some(index) = self.try_add(head.digest)? {
            self.tagged.insert(tag.to_owned(), index);
        }
        Ok(())
    }

    fn try_add(&mut self, digest: Digest) -> Result<Option<usize>, HubError> {
        let (items, blobs) = (self.items.len(), self.blobs.len());
        match self.add(digest, 0) {
            Ok(index) => Ok(Some(index)),
            Err(error) if fault(&error) == Fault::Image => {
                tracing::warn!(attachment.digest = %digest, error = %super::sentence(&error), "attachment is left out");
                self.items.truncate(items);
                self.blobs.truncate(blobs);
                self.known.retain(|_, index| *index < items);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds a manifest or index behind everything below it, and returns its place.
    fn add(&mut self, digest: Digest, depth: usize) -> Result<usize, HubError> {
        if let Some(index) = self.known.get(&digest) {
            return Ok(*index);
        }
        if self.items.len() >= DOCUMENTS_MAX {
            return Err(refused(format!(
                "image has more than {DOCUMENTS_MAX} manifests with what is attached"
            )));
        }
        if depth > DEPTH_MAX {
            return Err(refused(format!("`{digest}` is below more than {DEPTH_MAX} indexes")));
        }
        let item = self.read(digest)?;
        match &item.document {
            ImageDocument::Index(index) => {
                for child in &index.manifests {
                    if !is_image_document(&child.media_type) {
                        let (child, media_type) = (child.digest, &child.media_type);
                        return Err(refused(format!(
                            "index names `{child}`, a `{media_type}`, which is no manifest"
                        )));
                    }
                    self.add(child.digest, depth + 1)?;
                }
            }
            ImageDocument::Manifest(manifest) if item.is_new => {
                for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
                    self.blobs.push(blob.clone());
                }
            }
            ImageDocument::Manifest(_) => {}
        }
        self.known.insert(digest, self.items.len());
        self.items.push(item);
        Ok(self.items.len() - 1)
    }

    /// Reads a manifest or index from the destination, which has then all that it names, or else from the upstream.
    fn read(&self, digest: Digest) -> Result<Item, HubError> {
        // The destination looks for it by digest; any type of a document will do.
        let wanted = Descriptor::new(temper_oci::media_type::OCI_MANIFEST, digest, 0);
        let (bytes, is_new) = match self.destination.part(&wanted)? {
            Some(bytes) => (Bytes::from(bytes), false),
            None => (self.upstream.document(digest)?.1, true),
        };
        let document = ImageDocument::parse(bytes.clone(), None)
            .map_err(|error| refused(format!("`{digest}` cannot be used: {error}")))?;
        let descriptor = Descriptor::new(document.media_type(), digest, bytes.len() as u64);
        Ok(Item { descriptor, bytes, document, is_new })
    }

    /// Returns the id of the definition that the image says it was made of.
    pub(super) fn definition(&self) -> Result<Option<String>, HubError> {
        let mut below = vec![self.root];
        while let Some(index) = below.pop() {
            match &self.items[index].document {
                ImageDocument::Index(document) => {
                    if let Some(id) = document.annotations.get(DEFINITION) {
                        return Ok(definition_id(id));
                    }
                    // One platform speaks for all.
                    let first = document.images().next().map(|(_, child)| child.digest);
                    below.extend(first.and_then(|digest| self.known.get(&digest)));
                }
                ImageDocument::Manifest(manifest) => {
                    if let Some(id) = manifest.annotations.get(DEFINITION) {
                        return Ok(definition_id(id));
                    }
                    if manifest.is_image() {
                        return self.label(&manifest.config);
                    }
                }
            }
        }
        Ok(None)
    }

    fn label(&self, config: &Descriptor) -> Result<Option<String>, HubError> {
        if config.size > DOCUMENT_BYTES_MAX as u64 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let context = format!("config `{}` cannot be read", config.digest);
        std::io::Read::read_to_end(&mut self.upstream.blob(config)?, &mut bytes)
            .map_err(|error| External::new(context, error))?;
        let config = ImageConfig::parse(&bytes).ok();
        Ok(config.and_then(|config| definition_id(config.labels().get(DEFINITION)?)))
    }

    /// Lists the blobs of what is new, each once.
    pub(super) fn blobs(&self) -> Vec<&Descriptor> {
        let mut seen = BTreeSet::new();
        self.blobs.iter().filter(|blob| seen.insert(blob.digest)).collect()
    }

    /// Says whether anything but the image's own tags is to be written.
    pub(super) fn has_news(&self) -> bool {
        !self.tagged.is_empty() || self.items.iter().any(|item| item.is_new)
    }

    /// Lists what refers to what.
    pub(super) fn listed(&self) -> impl Iterator<Item = (Digest, &[Descriptor])> {
        self.listed.iter().map(|(subject, referrers)| (*subject, referrers.as_slice()))
    }

    /// The manifest or index that the image's tags point to.
    pub(super) fn top(&self) -> &Item {
        &self.items[self.root]
    }

    /// Lists the tags of attachments that are to be moved.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (&String, &Item)> {
        self.tagged.iter().map(|(tag, index)| (tag, &self.items[*index]))
    }

    /// Lists what is new and gets no tag, children first.
    pub(super) fn untagged(&self) -> impl Iterator<Item = &Item> {
        let is_untagged =
            |index: usize| index != self.root && !self.tagged.values().any(|tagged| *tagged == index);
        self.items
            .iter()
            .enumerate()
            .filter(move |(index, item)| item.is_new && is_untagged(*index))
            .map(|(_, item)| item)
    }
}

/// Reads the id of a definition: its path, with or without `image/` before it and an ending behind it.
fn definition_id(text: &str) -> Option<String> {
    let id = text.trim().trim_end_matches(".yaml");
    let id = id.strip_prefix("image/").or_else(|| id.strip_prefix("chart/")).unwrap_or(id);
    (!id.is_empty() && id.len() <= 255 && !id.contains(char::is_control)).then(|| id.to_owned())
}

/// A failure that is about the image.
fn refused(message: String) -> HubError {
    HubError::External(External { message, hint: None, source: None })
}
