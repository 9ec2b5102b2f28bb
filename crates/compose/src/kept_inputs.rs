//! What an image was made of, kept beside it: package files, the base and the artifacts, as one referrer of its index.
//!
//! Archives forget the versions that they replace, and repositories the bases that they moved on from. What refers to
//! an image stays as long as the image, so that it can be built again with nothing but the repository that it is in.

use std::collections::BTreeMap;
use std::io::{self, Read};

use temper_attest::carrier::{Publication, fallback_tag};
use temper_attest::provenance::{BuildRecord, Input, Role};
use temper_oci::document::{DOCUMENT_BYTES_MAX, is_image_document};
use temper_oci::{Descriptor, Digest, Document, ImageDocument, Manifest, Platform, media_type};

use crate::attachments::Attachments;
use crate::composer::Composer;
use crate::error::{ComposeError, External};
use crate::image::ImageSource;
use crate::publish::{Destination, list_referrers};
use crate::recorded::RecordedChoice;

/// The type of the artifact that keeps inputs.
pub const KEPT_INPUTS: &str = "application/vnd.temper.inputs.v1";
const PACKAGE: &str = "application/vnd.debian.binary-package";
const TITLE: &str = "org.opencontainers.image.title";
/// How deep indexes may nest.
const DEPTH_MAX: usize = 4;
/// Most artifacts of this type that one image may have; one is all that Temper makes.
const KEEPERS_MAX: usize = 8;

/// How much is kept beside an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptInputs {
    /// Bases and artifacts.
    pub images: usize,
    /// Package files.
    pub packages: usize,
}

impl Composer<'_> {
    /// Attaches everything that an image was made of to its index, which need not be there yet.
    ///
    /// `sources` are the base and the artifacts. Package files that are not in the store are fetched from where they
    /// were taken the first time. Done twice it changes nothing.
    pub fn keep_inputs(
        &self,
        record: &BuildRecord,
        image: &Descriptor,
        sources: &[&dyn ImageSource],
        destination: &dyn Destination,
    ) -> Result<KeptInputs, ComposeError> {
        let platforms: Vec<&Platform> = record.settings.platforms.keys().collect();
        let mut keeper = Keeper { composer: self, destination, blobs: BTreeMap::new() };
        for (platform, settings) in &record.settings.platforms {
            RecordedChoice::read(platform, settings).fetch(self.archive, self.log)?;
            for package in &settings.install {
                let title = package.path.rsplit('/').next().unwrap_or_default();
                keeper.put(&Descriptor::new(PACKAGE, package.digest, package.size_bytes), title)?;
            }
        }
        let packages = keeper.blobs.len();
        for source in sources {
            keeper.image(*source, &source.root()?, &platforms, DEPTH_MAX)?;
        }
        if !keeper.blobs.is_empty() {
            keeper.attach(image)?;
        }
        Ok(KeptInputs { images: sources.len(), packages })
    }

    /// Puts what is kept beside an image, and its provenance names, into the store: [`Composer::reproduce`] finds it there.
    pub fn take_inputs(
        &self,
        image: &dyn ImageSource,
        record: &BuildRecord,
    ) -> Result<KeptInputs, ComposeError> {
        let mut taken = KeptInputs::default();
        let index = image.root()?.digest();
        let Some(place) = image.attachments() else { return Ok(taken) };
        let listed = listed(place, index)?;
        let taker = Taker { composer: self, image, listed };
        if taker.listed.is_empty() {
            return Ok(taken);
        }
        let settings = record.settings.platforms.values();
        let packages: BTreeMap<Digest, u64> = settings
            .flat_map(|one| &one.install)
            .map(|package| (package.digest, package.size_bytes))
            .collect();
        for (digest, size) in packages.into_iter().filter(|(digest, _)| taker.listed.contains_key(digest)) {
            taker.blob(&Descriptor::new(PACKAGE, digest, size))?;
            taken.packages += 1;
        }
        let platforms: Vec<&Platform> = record.settings.platforms.keys().collect();
        for root in input_roots(record).filter_map(|input| taker.listed.get(&input.digest)) {
            taker.document(root, &platforms, DEPTH_MAX)?;
            taken.images += 1;
        }
        Ok(taken)
    }
}

/// The base and the artifacts of a build, as a whole each.
pub fn input_roots(record: &BuildRecord) -> impl Iterator<Item = &Input> {
    let is_image = |input: &&Input| matches!(input.role, Role::Base | Role::Artifact);
    record.inputs.iter().filter(is_image).filter(|input| input.platform.is_none())
}

/// Says whether the layers of a child are wanted: those of other platforms were not built from.
fn of<'p>(child: &Descriptor, platforms: &'p [&'p Platform]) -> &'p [&'p Platform] {
    match child.platform() {
        Some(platform) if !platforms.contains(&&platform) => &[],
        _ => platforms,
    }
}

fn too_deep(name: &str) -> External {
    External { message: format!("the indexes of `{name}` nest too deep"), hint: None, source: None }
}

/// Puts inputs into a destination.
struct Keeper<'a> {
    composer: &'a Composer<'a>,
    destination: &'a dyn Destination,
    /// The layers of the artifact to be.
    blobs: BTreeMap<Digest, Descriptor>,
}

impl Keeper<'_> {
    /// Puts a blob of the store.
    fn put(&mut self, descriptor: &Descriptor, title: &str) -> Result<(), ComposeError> {
        if !self.blobs.contains_key(&descriptor.digest) {
            let mut blob = Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size);
            self.destination.put_blob(&blob, &|| self.composer.store.open(&descriptor.digest))?;
            if !title.is_empty() {
                blob.annotations.insert(TITLE.to_owned(), title.to_owned());
            }
            self.blobs.insert(blob.digest, blob);
        }
        Ok(())
    }

    /// Puts an image, without the layers of platforms that were not built.
    fn image(
        &mut self,
        source: &dyn ImageSource,
        document: &ImageDocument,
        platforms: &[&Platform],
        depth: usize,
    ) -> Result<(), ComposeError> {
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(source.reference()))?;
        let store = self.composer.store;
        store.put(document.bytes()).map_err(ComposeError::store("keep the documents of an input"))?;
        self.put(&document.descriptor(), "")?;
        let config = match document {
            ImageDocument::Manifest(manifest) => Some(manifest.config.digest),
            ImageDocument::Index(_) => None,
        };
        for child in document.children() {
            if is_image_document(&child.media_type) {
                let below = ImageDocument::parse(source.document(child)?, Some(&child.media_type));
                let below = below.map_err(|error| External::new("an input cannot be read", error))?;
                self.image(source, &below, of(child, platforms), depth)?;
            } else if !platforms.is_empty() || config == Some(child.digest) {
                fill(self.composer, child, || source.layer(child))?;
                self.put(child, "")?;
            }
        }
        Ok(())
    }

    /// Puts the artifact that names all of it.
    fn attach(&self, image: &Descriptor) -> Result<(), ComposeError> {
        let empty = b"{}";
        let config = Descriptor::of(media_type::OCI_EMPTY, empty);
        self.destination.put_blob(&config, &|| Ok(Box::new(&empty[..])))?;
        let mut manifest = Manifest::image(config, self.blobs.values().cloned().collect());
        manifest.artifact_type = Some(KEPT_INPUTS.to_owned());
        manifest.subject = Some(Descriptor::new(&image.media_type, image.digest, image.size));
        let bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(manifest.media_type(), &bytes);
        self.destination.put_manifest(&descriptor, &bytes.into())?;
        let listed = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
        list_referrers(self.destination, image.digest, &Publication::listing(image.digest, listed))?;
        Ok(())
    }
}

/// Takes inputs from beside an image.
struct Taker<'a> {
    composer: &'a Composer<'a>,
    image: &'a dyn ImageSource,
    /// What is kept there.
    listed: BTreeMap<Digest, Descriptor>,
}

impl Taker<'_> {
    fn document(
        &self,
        descriptor: &Descriptor,
        platforms: &[&Platform],
        depth: usize,
    ) -> Result<(), ComposeError> {
        let digest = descriptor.digest;
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(&digest.to_string()))?;
        self.blob(descriptor)?;
        let bytes = self.composer.store.read(&digest, DOCUMENT_BYTES_MAX as u64);
        let bytes = bytes.map_err(ComposeError::store("read an input"))?;
        let document = ImageDocument::parse(bytes, Some(&descriptor.media_type))
            .map_err(|error| External::new(format!("input `{digest}` cannot be read"), error))?;
        for child in document.children().into_iter().filter(|child| self.listed.contains_key(&child.digest)) {
            if is_image_document(&child.media_type) {
                self.document(child, of(child, platforms), depth)?;
            } else {
                self.blob(child)?;
            }
        }
        Ok(())
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<(), ComposeError> {
        fill(self.composer, descriptor, || self.image.layer(descriptor))
    }
}

/// Puts a blob into the store unless it is there; its bytes must have the digest.
fn fill<'a>(
    composer: &Composer<'_>,
    descriptor: &Descriptor,
    open: impl FnOnce() -> Result<Box<dyn Read + Send + 'a>, External>,
) -> Result<(), ComposeError> {
    let store = composer.store;
    if store.size(&descriptor.digest).map_err(ComposeError::store("look for an input"))?.is_some() {
        return Ok(());
    }
    let bytes = open()?;
    let write = || -> io::Result<()> {
        let mut writer = store.create()?;
        // One byte more than it may have is enough for another digest.
        io::copy(&mut bytes.take(descriptor.size + 1), &mut *writer)?;
        writer.commit(Some(&descriptor.digest)).map(drop)
    };
    write().map_err(ComposeError::store("keep an input"))
}

/// Lists what is kept beside an image.
fn listed(place: &dyn Attachments, index: Digest) -> Result<BTreeMap<Digest, Descriptor>, External> {
    let referrers = match place.referrers(&index)? {
        Some(listed) => listed,
        None => match place.tagged(&fallback_tag(index))? {
            Some(ImageDocument::Index(list)) if list.digest() != index => list.manifests.clone(),
            _ => Vec::new(),
        },
    };
    let keepers = referrers.iter().filter(|entry| entry.artifact_type.as_deref() == Some(KEPT_INPUTS));
    let mut listed = BTreeMap::new();
    for keeper in keepers.take(KEEPERS_MAX).filter(|keeper| keeper.size <= DOCUMENT_BYTES_MAX as u64) {
        let Some(bytes) = place.part(keeper)? else { continue };
        let Ok(manifest) = Document::<Manifest>::parse(bytes) else { continue };
        if manifest.subject.as_ref().is_some_and(|subject| subject.digest == index) {
            listed.extend(manifest.layers.iter().map(|layer| (layer.digest, layer.clone())));
        }
    }
    Ok(listed)
}
