//! Images of the embedded registry as sources, read without a network.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt as _;
use temper_compose::{Attachments, External, ImageSource};
use temper_oci::{Descriptor, Digest, DigestHasher, ImageDocument};
use temper_store::storage::BlobBytes;
use tokio::runtime::Handle;

use super::EmbeddedDestination;

/// One image of a repository.
pub(crate) struct EmbeddedImage {
    place: EmbeddedDestination,
    /// How messages and plans call it.
    shown: String,
    name: Name,
}

/// How an image is named in its repository.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Tag(String),
    Digest(Digest),
}

impl EmbeddedImage {
    /// Returns the image of a name; messages and plans call it `shown`.
    pub(crate) fn new(place: EmbeddedDestination, name: Name, shown: String) -> Self {
        Self { place, shown, name }
    }

    fn failed(&self, digest: &Digest) -> impl Fn(Box<dyn std::error::Error + Send + Sync>) -> External {
        let message = format!("`{digest}` of image `{}` cannot be read", self.shown);
        move |error| External::new(message.clone(), error)
    }

    fn missing(&self) -> External {
        let message = format!("image `{}` is not there", self.shown);
        let hint = Some("look at the repository's tags with `temper repo get`".to_owned());
        External { message, hint, source: None }
    }
}

impl ImageSource for EmbeddedImage {
    fn reference(&self) -> &str {
        &self.shown
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let found = match &self.name {
            Name::Tag(tag) => self.place.tagged(tag)?,
            Name::Digest(digest) => self.place.by_digest(*digest)?,
        };
        found.ok_or_else(|| self.missing())
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        let part = self.place.part(descriptor)?;
        part.map(Bytes::from).ok_or_else(|| self.failed(&descriptor.digest)("it is not there".into()))
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        let digest = descriptor.digest;
        let stream = self.place.open(digest).map_err(self.failed(&digest))?;
        let runtime = self.place.runtime.clone();
        Ok(Box::new(BlobReader {
            runtime,
            stream,
            rest: Bytes::new(),
            digest,
            hasher: Some(digest.hasher()),
        }))
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        Some(&self.place)
    }
}

/// A blob of the storage as a reader, which fails at the end where the bytes are not those of the digest.
struct BlobReader {
    runtime: Handle,
    stream: BlobBytes,
    rest: Bytes,
    digest: Digest,
    hasher: Option<DigestHasher>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if let Some(piece) = self.runtime.block_on(self.stream.try_next())? {
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(&piece);
                }
                self.rest = piece;
                continue;
            }
            let found = self.hasher.take().map(DigestHasher::finish);
            if found.is_some_and(|found| found != self.digest) {
                return Err(io::Error::other(format!(
                    "blob `{}` has other bytes in the registry",
                    self.digest
                )));
            }
            return Ok(0);
        }
        let size = buffer.len().min(self.rest.len());
        self.rest.split_to(size).copy_to_slice(&mut buffer[..size]);
        Ok(size)
    }
}
