//! Repositories of a registry as sources and destinations of images.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use temper_compose::{Attachments, Destination, External, ImageSource, OpenBlob};
use temper_oci::document::is_image_document;
use temper_oci::{Descriptor, Digest, ImageDocument, Reference};
use tokio::runtime::Handle;

use super::external;
use crate::registry::{BlobStream, RegistryClient, RegistryError};

/// Blobs that are pushed at once: what Docker does, and no registry takes for an attack.
const BLOBS_AT_ONCE: usize = 5;

/// One image of a registry.
#[derive(Clone, Debug)]
pub struct RegistryImage {
    runtime: Handle,
    client: RegistryClient,
    reference: Reference,
    shown: String,
    /// Where what is attached to it is looked for.
    repository: RegistryDestination,
}

impl RegistryImage {
    /// Returns the image of a reference; messages and plans call it `shown`.
    pub fn new(runtime: Handle, client: RegistryClient, reference: Reference, shown: String) -> Self {
        let repository = RegistryDestination::new(runtime.clone(), client.clone(), &reference);
        Self { runtime, client, reference, shown, repository }
    }

    /// Opens a blob for reading; the reader fails where the bytes are not those of the digest.
    pub fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, External> {
        let context = format!("blob `{}` of image `{}` cannot be read", descriptor.digest, self.shown);
        let stream =
            self.runtime.block_on(self.client.blob(&self.reference, descriptor)).map_err(failed(context))?;
        Ok(Box::new(BlobReader { runtime: self.runtime.clone(), stream, rest: Bytes::new() }))
    }
}

fn failed(context: String) -> impl FnOnce(RegistryError) -> External {
    move |error| {
        let hint = error.hint();
        external(context, error, hint)
    }
}

impl ImageSource for RegistryImage {
    fn reference(&self) -> &str {
        &self.shown
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let context = format!("image `{}` cannot be read", self.shown);
        let fetched =
            self.runtime.block_on(self.client.manifest(&self.reference)).map_err(failed(context.clone()))?;
        ImageDocument::parse(fetched.bytes, Some(&fetched.media_type)).map_err(|error| {
            let hint = error.hint();
            external(context, error, hint)
        })
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        let context = format!("`{}` of image `{}` cannot be read", descriptor.digest, self.shown);
        if is_image_document(&descriptor.media_type) {
            let reference = self.reference.with_digest(descriptor.digest);
            let fetched = self.runtime.block_on(self.client.manifest(&reference)).map_err(failed(context))?;
            return Ok(fetched.bytes);
        }
        let mut bytes = Vec::new();
        let limit = temper_oci::document::DOCUMENT_BYTES_MAX as u64;
        if descriptor.size > limit {
            let message = format!("{context}: it has {} bytes, more than {limit}", descriptor.size);
            return Err(External { message, hint: None, source: None });
        }
        self.layer(descriptor)?.read_to_end(&mut bytes).map_err(|error| External::new(context, error))?;
        Ok(bytes.into())
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        Some(&self.repository)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        self.open_blob(descriptor).map(|reader| reader as Box<dyn Read + Send + '_>)
    }
}

/// A blob of a registry as a reader; the stream behind it checks the digest before it gives the last bytes.
struct BlobReader {
    runtime: Handle,
    stream: BlobStream,
    rest: Bytes,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.stream.next()).map_err(io::Error::other)? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let size = buffer.len().min(self.rest.len());
        self.rest.split_to(size).copy_to_slice(&mut buffer[..size]);
        Ok(size)
    }
}

/// A repository that images are pushed to, and that tells what is attached to them.
#[derive(Clone, Debug)]
pub struct RegistryDestination {
    runtime: Handle,
    client: RegistryClient,
    repository: Reference,
}

impl RegistryDestination {
    /// Returns the repository of a reference, whose tag and digest mean nothing here.
    pub fn new(runtime: Handle, client: RegistryClient, repository: &Reference) -> Self {
        Self { runtime, client, repository: repository.without_identifier() }
    }

    fn tagged_reference(&self, tag: &str) -> Result<Reference, External> {
        let reference = self.repository.with_tag(tag);
        reference.map_err(|error| External::new(format!("tag `{tag}` is refused"), error))
    }

    fn push(&self, reference: &Reference, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        let context = format!("could not push `{reference}`");
        let push = self.client.push_manifest(reference, &descriptor.media_type, bytes.clone());
        self.runtime.block_on(push).map(drop).map_err(failed(context))
    }
}

impl Destination for RegistryDestination {
    fn blobs_at_once(&self) -> usize {
        BLOBS_AT_ONCE
    }

    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        let context = format!("could not push blob `{}` to `{}`", descriptor.digest, self.repository);
        let push = self.client.push_blob(&self.repository, descriptor, None, open);
        self.runtime.block_on(push).map(drop).map_err(failed(context))
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.push(&self.repository.with_digest(descriptor.digest), descriptor, bytes)
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.push(&self.tagged_reference(tag)?, descriptor, bytes)
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        for tag in tags {
            self.push(&self.tagged_reference(tag)?, image, bytes)?;
        }
        Ok(())
    }
}

impl Attachments for RegistryDestination {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        let context = format!("tag `{tag}` of `{}` cannot be read", self.repository);
        let reference =
            self.repository.with_tag(tag).map_err(|error| External::new(context.clone(), error))?;
        let fetched = found(self.runtime.block_on(self.client.manifest(&reference)));
        let Some(fetched) = fetched.map_err(failed(context.clone()))? else { return Ok(None) };
        let document = ImageDocument::parse(fetched.bytes, Some(&fetched.media_type));
        document.map(Some).map_err(|error| External::new(context, error))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        let context = format!("referrers of `{}` cannot be listed", self.repository.with_digest(*subject));
        let list = self.client.find_referrers(&self.repository, *subject, None);
        self.runtime.block_on(list).map_err(failed(context))
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        let reference = self.repository.with_digest(descriptor.digest);
        let read = async {
            if is_image_document(&descriptor.media_type) {
                return Ok(self.client.manifest(&reference).await?.bytes.to_vec());
            }
            let mut stream = self.client.blob(&self.repository, descriptor).await?;
            let mut bytes = Vec::new();
            while let Some(piece) = stream.next().await? {
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes)
        };
        found(self.runtime.block_on(read)).map_err(failed(format!("`{reference}` cannot be read")))
    }
}

/// Turns what the registry does not have into nothing.
fn found<T>(result: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
