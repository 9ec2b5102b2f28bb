//! A repository in memory: images and attachments are published to it and read back, and may be damaged in between.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use temper_attest::carrier::Publication;
use temper_compose::{Attachments, Destination, External, ImageSource, OpenBlob};
use temper_oci::document::is_image_document;
use temper_oci::{Descriptor, Digest, Document, ImageDocument, Manifest};

/// A repository; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryRepository {
    state: Arc<Mutex<State>>,
    /// Whether it lists referrers itself, as registries of OCI 1.1 do.
    pub(crate) lists_referrers: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Blobs and manifests.
    contents: BTreeMap<Digest, Vec<u8>>,
    /// The manifests and indexes among them.
    manifests: BTreeMap<Digest, Descriptor>,
    tags: BTreeMap<String, Descriptor>,
}

impl MemoryRepository {
    /// Makes an empty repository that lists referrers itself, or one that does not.
    pub(crate) fn new(lists_referrers: bool) -> Self {
        Self { lists_referrers, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no writer panics")
    }

    /// Puts some bytes as a manifest or a blob, whatever they hold.
    pub(crate) fn add(&self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(media_type, bytes);
        let mut state = self.state();
        state.contents.insert(descriptor.digest, bytes.to_vec());
        if is_image_document(media_type) {
            state.manifests.insert(descriptor.digest, descriptor.clone());
        }
        descriptor
    }

    /// Puts everything that a publication wants, the fallback tag where the repository needs it.
    pub(crate) fn put(&self, publication: &Publication) {
        for blob in &publication.blobs {
            self.add(&blob.descriptor.media_type, &blob.bytes);
        }
        let fallback = publication.fallback.iter().filter(|_| !self.lists_referrers);
        for put in publication.manifests.iter().chain(fallback) {
            let descriptor = self.add(&put.descriptor.media_type, &put.bytes);
            if let Some(tag) = &put.tag {
                self.set_tag(tag, descriptor);
            }
        }
    }

    /// Returns a repository with the same content that changes by itself.
    pub(crate) fn fork(&self) -> Self {
        let state = self.state();
        let State { contents, manifests, tags } = &*state;
        let copy = State { contents: contents.clone(), manifests: manifests.clone(), tags: tags.clone() };
        Self { state: Arc::new(Mutex::new(copy)), lists_referrers: self.lists_referrers }
    }

    /// Takes the content of another repository in place of its own.
    pub(crate) fn replace(&self, other: &Self) {
        let copy = other.fork();
        std::mem::swap(&mut *self.state(), &mut *copy.state());
    }

    /// Returns the image that a tag names.
    pub(crate) fn image(&self, tag: &str) -> RepositoryImage {
        let reference = format!("registry.example/acme/app:{tag}");
        RepositoryImage { reference, root: self.named(tag), repository: self.clone() }
    }

    /// Returns what a tag names, which must be there.
    pub(crate) fn named(&self, tag: &str) -> Descriptor {
        self.state().tags.get(tag).cloned().unwrap_or_else(|| panic!("tag `{tag}` is there"))
    }

    /// Removes a tag, but not what it names.
    pub(crate) fn untag(&self, tag: &str) {
        self.state().tags.remove(tag);
    }

    /// Returns the bytes under a digest, damaged or not.
    pub(crate) fn bytes(&self, digest: &Digest) -> Vec<u8> {
        self.state().contents[digest].clone()
    }

    /// Changes the last bit of what is kept under a digest.
    pub(crate) fn flip(&self, digest: &Digest) {
        let mut state = self.state();
        let bytes = state.contents.get_mut(digest).expect("it is there");
        *bytes.last_mut().expect("it is not empty") ^= 1;
    }

    /// Lets a tag name something.
    pub(crate) fn set_tag(&self, tag: &str, descriptor: Descriptor) {
        self.state().tags.insert(tag.to_owned(), descriptor);
    }

    /// Removes a blob or manifest, but no tag that names it.
    pub(crate) fn remove(&self, digest: &Digest) {
        let mut state = self.state();
        state.contents.remove(digest);
        state.manifests.remove(digest);
    }

    /// Lists the digests of everything that is there, and the tags with what they name.
    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.state();
        let tags = state.tags.iter().map(|(tag, named)| format!("{tag} {}", named.digest));
        state.contents.keys().map(Digest::to_string).chain(tags).collect()
    }

    /// Returns the bytes of a blob or manifest, if it is there and not damaged.
    fn find(&self, digest: &Digest) -> Result<Option<Vec<u8>>, External> {
        let bytes = self.state().contents.get(digest).cloned();
        match bytes {
            Some(bytes) if Digest::of(&bytes) != *digest => Err(wrong(format!("`{digest}` is damaged"))),
            bytes => Ok(bytes),
        }
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>, External> {
        self.find(digest)?.ok_or_else(|| wrong(format!("`{digest}` is missing")))
    }
}

fn wrong(message: String) -> External {
    External { message, hint: None, source: None }
}

impl Destination for MemoryRepository {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        let mut bytes = Vec::new();
        open().and_then(|mut blob| blob.read_to_end(&mut bytes)).expect("the blob can be read");
        assert_eq!(self.add(&descriptor.media_type, &bytes).digest, descriptor.digest);
        Ok(())
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        assert_eq!(self.add(&descriptor.media_type, bytes).digest, descriptor.digest);
        Ok(())
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.put_manifest(descriptor, bytes)?;
        self.set_tag(tag, descriptor.clone());
        Ok(())
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.put_manifest(image, bytes)?;
        for tag in tags {
            self.set_tag(tag, image.clone());
        }
        Ok(())
    }
}

impl Attachments for MemoryRepository {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        let Some(descriptor) = self.state().tags.get(tag).cloned() else { return Ok(None) };
        let document = ImageDocument::parse(self.get(&descriptor.digest)?, Some(&descriptor.media_type));
        document.map(Some).map_err(|error| External::new(format!("`{tag}` cannot be read"), error))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        if !self.lists_referrers {
            return Ok(None);
        }
        let state = self.state();
        let listed = state.manifests.iter().filter_map(|(digest, descriptor)| {
            let manifest = Document::<Manifest>::parse(state.contents[digest].clone()).ok()?;
            manifest.subject.as_ref().filter(|about| about.digest == *subject)?;
            let annotations = manifest.annotations.clone();
            let artifact_type = manifest.artifact_type.clone();
            Some(Descriptor { artifact_type, annotations, ..descriptor.clone() })
        });
        Ok(Some(listed.collect()))
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        self.find(&descriptor.digest)
    }
}

/// An image of a repository, by the tag that it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct RepositoryImage {
    reference: String,
    root: Descriptor,
    repository: MemoryRepository,
}

impl ImageSource for RepositoryImage {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn root(&self) -> Result<ImageDocument, External> {
        ImageDocument::parse(self.repository.get(&self.root.digest)?, Some(&self.root.media_type))
            .map_err(|error| External::new("the root cannot be read", error))
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        self.repository.get(&descriptor.digest).map(Bytes::from)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        Ok(Box::new(std::io::Cursor::new(self.repository.get(&descriptor.digest)?)))
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        Some(&self.repository)
    }
}
