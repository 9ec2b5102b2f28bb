//! The blobs of an image where it is, for validation: each is read from its source, whatever this machine has kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use temper_oci::document::is_image_document;
use temper_oci::{BlobSource, Descriptor, Digest, ImageDocument};

use crate::image::ImageSource;

/// An image as a source of blobs.
pub(crate) struct Contents<'a> {
    source: &'a dyn ImageSource,
    root: &'a ImageDocument,
    /// What the documents that were read so far name.
    known: RefCell<BTreeMap<Digest, Descriptor>>,
}

impl<'a> Contents<'a> {
    pub(crate) fn new(source: &'a dyn ImageSource, root: &'a ImageDocument) -> Self {
        let contents = Self { source, root, known: RefCell::default() };
        contents.learn(root);
        contents
    }

    fn learn(&self, document: &ImageDocument) {
        let children = document.children().into_iter();
        self.known.borrow_mut().extend(children.map(|child| (child.digest, child.clone())));
    }
}

impl BlobSource for Contents<'_> {
    fn open(&self, digest: &Digest) -> io::Result<Option<Box<dyn Read + Send + '_>>> {
        if *digest == self.root.digest() {
            return Ok(Some(Box::new(Cursor::new(self.root.bytes().clone()))));
        }
        let Some(descriptor) = self.known.borrow().get(digest).cloned() else { return Ok(None) };
        if !is_image_document(&descriptor.media_type) {
            return Ok(Some(self.source.layer(&descriptor).map_err(io::Error::other)?));
        }
        let bytes = self.source.document(&descriptor).map_err(io::Error::other)?;
        if let Ok(document) = ImageDocument::parse(bytes.clone(), Some(&descriptor.media_type)) {
            self.learn(&document);
        }
        Ok(Some(Box::new(Cursor::new(bytes))))
    }
}
