//! Publication: blobs, manifests, index, what is attached to them, and the tags last.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use temper_attest::Signer;
use temper_oci::{Descriptor, Digest, Platform};

use crate::attachments::Attachments;
use crate::blob_store::BlobStore;
use crate::error::{ComposeError, External};
use crate::event::{Event, Log, Step};
use crate::statements::Statements;

mod attached;
mod referrers;

pub use referrers::list_referrers;

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
pub trait Destination: Attachments {
    /// How many blobs may be written at once, at least 1: more helps where each waits for a network.
    fn blobs_at_once(&self) -> usize {
        1
    }

    /// Writes a blob unless it is there; `open` gives its bytes from the beginning, once for each attempt.
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External>;

    /// Writes a manifest or index under its digest, and nothing else: whoever attaches something lists it with
    /// [`list_referrers`].
    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External>;

    /// Lets a tag name a manifest or index that is attached to an image.
    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External>;

    /// Lets every tag name the image; at once, where the destination can.
    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External>;
}

/// What is attached to an image when it is published, and by whom.
#[derive(Clone, Copy)]
pub struct Attestation<'a> {
    /// What is stated.
    pub statements: &'a Statements,
    /// Registry and repository, as signatures name it.
    pub repository: &'a str,
    /// Who signs.
    pub signer: &'a dyn Signer,
}

/// Publishes an image: layers, configs, platform manifests, index, attestations, signatures; the tags move last.
///
/// Stopped at any point it leaves the old tags working; done twice it changes nothing.
pub fn publish(
    image: &BuiltImage,
    tags: &[String],
    attestation: Option<&Attestation<'_>>,
    store: &dyn BlobStore,
    destination: &dyn Destination,
    log: &dyn Log,
) -> Result<(), ComposeError> {
    let layers = image.manifests.iter().flat_map(|manifest| &manifest.layers);
    let configs = image.manifests.iter().map(|manifest| &manifest.config);
    let mut seen = BTreeSet::new();
    let blobs = layers.chain(configs).filter(|blob| seen.insert(blob.digest));
    let blobs: Vec<Upload<'_>> =
        blobs.map(|blob| (blob, Box::new(|| store.open(&blob.digest)) as BoxedOpen<'_>)).collect();
    publish_blobs(&blobs, "publish blobs", destination, log)?;
    for manifest in &image.manifests {
        destination.put_manifest(&manifest.descriptor, &manifest.bytes)?;
    }
    destination.put_manifest(&image.index, &image.index_bytes)?;
    if let Some(attestation) = attestation {
        attached::publish(image, attestation, destination, log)?;
    }
    destination.move_tags(&image.index, &image.index_bytes, tags)?;
    let tags = if tags.is_empty() { "no tags".to_owned() } else { tags.join(", ") };
    log.event(Event::new(Step::Publish, format!("published {} as {tags}", image.index.digest)));
    Ok(())
}

/// A blob with what opens it.
type Upload<'a> = (&'a Descriptor, BoxedOpen<'a>);

/// An [`OpenBlob`] that is kept.
type BoxedOpen<'a> = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync + 'a>;

/// Writes blobs, several at once where the destination likes that; the first failure ends it.
fn publish_blobs(
    blobs: &[Upload<'_>],
    message: &str,
    destination: &dyn Destination,
    log: &dyn Log,
) -> Result<(), ComposeError> {
    let total: u64 = blobs.iter().map(|(blob, _)| blob.size).sum();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(0));
    let publish_some = || {
        while let Some((blob, open)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = destination.put_blob(blob, open) {
                next.store(blobs.len(), Ordering::Relaxed);
                return Err(error);
            }
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            *done += blob.size;
            log.event(Event::new(Step::Publish, message).bytes(*done, total));
        }
        Ok(())
    };
    let threads = destination.blobs_at_once().min(blobs.len());
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(publish_some)).collect();
        let own = publish_some();
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        others.fold(own, Result::and)
    })?;
    Ok(())
}
