//! Where an image of a bundle comes from: a registry when it is exported, the bundle when it is imported.

use std::io::{self, Read};

use anyhow::{Error, anyhow};
use temper_attest::carrier::Attached;
use temper_compose::ImageSource;
use temper_fetch::engine::RegistryImage;
use temper_oci::{Descriptor, Document, ImageDocument};
use temper_store::engine::StoredImage;

/// How deep indexes may nest.
const DEPTH_MAX: usize = 4;
/// Most manifests of one image.
const MANIFESTS_MAX: usize = 1_000;

/// An image with what is attached to it.
pub(crate) enum Origin {
    Registry(RegistryImage),
    Layout(StoredImage),
}

impl Origin {
    /// The image as composition reads it.
    pub(crate) fn source(&self) -> &dyn ImageSource {
        match self {
            Self::Registry(image) => image,
            Self::Layout(image) => image,
        }
    }

    /// Reads its index with all manifests below it, each before what names it.
    pub(crate) fn documents(&self) -> Result<Vec<ImageDocument>, Error> {
        let mut documents = Vec::new();
        self.collect(self.source().root()?, DEPTH_MAX, &mut documents)?;
        Ok(documents)
    }

    /// Reads what is attached to one of its manifests.
    pub(crate) fn attached(&self, target: &Descriptor) -> Result<Attached, Error> {
        let place = self.source().attachments();
        Ok(place.map(|place| place.attached(target)).transpose()?.unwrap_or_default())
    }

    /// Reads a small part of what is attached.
    pub(crate) fn part(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let place = self.source().attachments();
        let part = place.map(|place| place.part(descriptor)).transpose()?.flatten();
        part.ok_or_else(|| anyhow!("`{}` of `{}` is missing", descriptor.digest, self.source().reference()))
    }

    /// Opens a blob.
    pub(crate) fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Registry(image) => image.open_blob(descriptor).map_err(io::Error::other),
            Self::Layout(image) => match image.blobs().open_blob(&descriptor.digest) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(io::Error::other(error)),
            },
        }
    }

    fn collect(
        &self,
        document: ImageDocument,
        depth: usize,
        documents: &mut Vec<ImageDocument>,
    ) -> Result<(), Error> {
        let reference = self.source().reference();
        if let ImageDocument::Index(index) = &document {
            if depth == 0 {
                return Err(anyhow!("indexes of `{reference}` are nested deeper than {DEPTH_MAX}"));
            }
            for entry in &index.manifests {
                let bytes = self.source().document(entry)?;
                let below = ImageDocument::parse(bytes, Some(&entry.media_type));
                let below = below.map_err(|error| {
                    Error::new(error).context(format!("`{}` of `{reference}` cannot be used", entry.digest))
                })?;
                self.collect(below, depth - 1, documents)?;
            }
        }
        if documents.len() >= MANIFESTS_MAX {
            return Err(anyhow!("`{reference}` has more than {MANIFESTS_MAX} manifests"));
        }
        documents.push(document);
        Ok(())
    }
}

/// The descriptor of a document that others name.
pub(super) fn descriptor<T>(document: &Document<T>, media_type: &str) -> Descriptor {
    Descriptor::new(media_type, document.digest(), document.bytes().len() as u64)
}
