//! Inputs that are kept beside an image: it is built again with nothing but its repository.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use temper_attest::carrier::Publication;
use temper_attest::provenance::Input;
use temper_compose::reproduce::Outcome;
use temper_compose::{
    Archive, BlobStore, Composer, Destination, External, ImageSource, Inputs, KEPT_INPUTS, KeptInputs, Log,
    PackageFile, PackageSource, Silent, Snapshot, list_referrers,
};
use temper_oci::document::DOCUMENT_BYTES_MAX;
use temper_oci::{Descriptor, Digest, ImageDocument, Manifest, media_type};
use temper_resolve::Universe;

use crate::memory::{MemoryCache, MemoryStore};
use crate::published::{BODY, Published, TAG, workshop};

/// An archive that has nothing: whatever is not in the store is gone.
struct Gone(MemoryStore);

impl Archive for Gone {
    fn snapshot(&self, _: &[PackageSource], _: &str) -> Result<Snapshot, External> {
        panic!("building again asks no archive what it has now")
    }

    fn universe(&self, _: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        panic!("building again asks no archive what it has now")
    }

    fn fetch(&self, _: &Snapshot, files: &[PackageFile], _: &dyn Log) -> Result<(), External> {
        let is_there = |file: &PackageFile| self.0.size(&file.digest).is_ok_and(|size| size.is_some());
        match files.iter().find(|file| !is_there(file)) {
            None => Ok(()),
            Some(file) => {
                Err(External { message: format!("`{}` is gone", file.name), hint: None, source: None })
            }
        }
    }
}

/// The images of a store, by their digests.
struct Stored(MemoryStore);

impl Inputs for Stored {
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        let image = StoredImage { store: self.0.clone(), digest: input.digest };
        Ok(image.root().is_ok().then(|| Box::new(image) as Box<dyn ImageSource>))
    }
}

struct StoredImage {
    store: MemoryStore,
    digest: Digest,
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> External {
    External::new("it is not in the store", error)
}

impl ImageSource for StoredImage {
    fn reference(&self) -> &'static str {
        "stored"
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let bytes = self.document(&Descriptor::new("", self.digest, 0))?;
        ImageDocument::parse(bytes, None).map_err(lost)
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        self.store.read(&descriptor.digest, DOCUMENT_BYTES_MAX as u64).map(Bytes::from).map_err(lost)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        self.store.open(&descriptor.digest).map(|reader| reader as Box<dyn Read + Send>).map_err(lost)
    }
}

/// Keeps the inputs of a published image beside it.
fn keep(published: &Published) -> KeptInputs {
    let inputs = published.inputs();
    let sources: Vec<&dyn ImageSource> =
        inputs.images.iter().map(|image| image as &dyn ImageSource).collect();
    let (composer, index) = (published.workshop.composer(), &published.outcome.image.index);
    composer.keep_inputs(published.record(), index, &sources, &published.repository).expect("are kept")
}

#[test]
fn an_image_is_built_again_from_what_is_kept_beside_it() {
    for (lists_referrers, body) in [(true, BODY.to_owned()), (false, format!("{BODY}compression: ZSTD\n"))] {
        let published = Published::of(workshop(), &body, lists_referrers);
        let kept = keep(&published);
        assert_eq!(kept.images, 2, "the base and the artifact");
        assert!(kept.packages > 0);
        let before = published.repository.names();
        assert_eq!(keep(&published), kept);
        assert_eq!(published.repository.names(), before, "nothing is added the second time");
        let report = published.verify(&published.repository).expect("can be read");
        assert!(report.is_verified(), "{:#?}", report.failed);

        let (store, cache) = (MemoryStore::default(), MemoryCache::default());
        let archive = Gone(store.clone());
        let composer = Composer { store: &store, cache: &cache, archive: &archive, log: &Silent };
        let image = published.repository.image(TAG);
        let inputs = Stored(store.clone());
        composer.reproduce(&image, published.record(), &inputs).expect_err("nothing is there yet");
        assert_eq!(composer.take_inputs(&image, published.record()).expect("are taken"), kept);
        let result = composer.reproduce(&image, published.record(), &inputs).expect("can be built");
        assert_eq!(result.outcome, Outcome::Identical, "{result:#?}");
    }
}

#[test]
fn an_image_without_kept_inputs_gives_none() {
    let published = Published::new(true);
    let taken =
        published.workshop.composer().take_inputs(&published.repository.image(TAG), published.record());
    assert_eq!(taken.expect("can be read"), KeptInputs::default());
}

#[test]
fn what_the_provenance_does_not_name_is_not_taken() {
    for lists_referrers in [true, false] {
        let published = Published::new(lists_referrers);
        keep(&published);
        let repository = &published.repository;
        let junk = repository.add("application/octet-stream", b"junk");
        let config = repository.add(media_type::OCI_EMPTY, b"{}");
        let mut manifest = Manifest::image(config, vec![junk.clone()]);
        manifest.artifact_type = Some(KEPT_INPUTS.to_owned());
        manifest.subject = Some(published.outcome.image.index.clone());
        let bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(manifest.media_type(), &bytes);
        repository.put_manifest(&descriptor, &bytes.into()).expect("is put");
        let listed = Descriptor { artifact_type: Some(KEPT_INPUTS.to_owned()), ..descriptor };
        let index = published.outcome.digest();
        list_referrers(repository, index, &Publication::listing(index, listed)).expect("is listed");

        let (store, cache) = (MemoryStore::default(), MemoryCache::default());
        let archive = Gone(store.clone());
        let composer = Composer { store: &store, cache: &cache, archive: &archive, log: &Silent };
        let taken = composer.take_inputs(&repository.image(TAG), published.record()).expect("are taken");
        assert_eq!(taken.images, 2);
        assert_eq!(store.size(&junk.digest).expect("can be asked"), None);
    }
}
