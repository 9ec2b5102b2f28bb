//! Publication: blobs, manifests, index, and the tags last.

use std::collections::BTreeSet;
use std::io::{self, Read};

use bytes::Bytes;
use temper_oci::{Descriptor, Digest, Platform};

use crate::blob_store::BlobStore;
use crate::error::{ComposeError, External};
use crate::event::{Event, Log, Step};

/// An image whose bytes are all in the store or here.
#[derive(Clone, Debug)]
pub struct BuiltImage {
    /// Descriptor of the index.
    pub index: Descriptor,
    /// The index.
    pub index_bytes: Bytes,
    /// One manifest for each platform, in the order of the index.
    pub manifests: Vec<BuiltManifest>,
}

/// The image of one platform.
#[derive(Clone, Debug)]
pub struct BuiltManifest {
    /// Which platform.
    pub platform: Platform,
    /// Descriptor of the manifest.
    pub descriptor: Descriptor,
    /// The manifest.
    pub bytes: Bytes,
    /// Descriptor of the config, whose bytes are in the store.
    pub config: Descriptor,
    /// Descriptors of the layers, whose bytes are in the store.
    pub layers: Vec<Descriptor>,
}

impl BuiltImage {
    /// Returns the digest that the image is pulled by.
    pub fn digest(&self) -> Digest {
        self.index.digest
    }
}

/// Opens a blob at its first byte.
pub type OpenBlob<'a> = &'a (dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync);

/// Where an image goes: one repository, or one layout.
pub trait Destination: Send + Sync {
    /// Writes a blob unless it is there; `open` gives its bytes from the beginning, once for each attempt.
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External>;

    /// Writes a manifest or index under its digest.
    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External>;

    /// Lets every tag name the image; at once, where the destination can.
    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External>;
}

/// Publishes an image: layers, configs, platform manifests, index; the tags move last.
///
/// Stopped at any point it leaves the old tags working; done twice it changes nothing.
pub fn publish(
    image: &BuiltImage,
    tags: &[String],
    store: &dyn BlobStore,
    destination: &dyn Destination,
    log: &dyn Log,
) -> Result<(), ComposeError> {
    let layers = image.manifests.iter().flat_map(|manifest| &manifest.layers);
    let configs = image.manifests.iter().map(|manifest| &manifest.config);
    let mut seen = BTreeSet::new();
    let blobs: Vec<&Descriptor> = layers.chain(configs).filter(|blob| seen.insert(blob.digest)).collect();
    let total: u64 = blobs.iter().map(|blob| blob.size).sum();
    let mut done = 0;
    for blob in blobs {
        destination.put_blob(blob, &|| store.open(&blob.digest))?;
        done += blob.size;
        log.event(Event::new(Step::Publish, "publish blobs").bytes(done, total));
    }
    for manifest in &image.manifests {
        destination.put_manifest(&manifest.descriptor, &manifest.bytes)?;
    }
    destination.put_manifest(&image.index, &image.index_bytes)?;
    destination.move_tags(&image.index, &image.index_bytes, tags)?;
    let tags = if tags.is_empty() { "no tags".to_owned() } else { tags.join(", ") };
    log.event(Event::new(Step::Publish, format!("published {} as {tags}", image.index.digest)));
    Ok(())
}
