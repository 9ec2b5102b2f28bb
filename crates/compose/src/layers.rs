//! Layers of bases and artifacts: fetched once, indexed once, kept for ever.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use temper_oci::{Descriptor, Digest, LayerIndex, ScanError, ScanLimits, ScanMode, compression, scan_tar};

use crate::blob_store::{BlobStore, BlobWriter, Cache};
use crate::error::ComposeError;
use crate::event::{Event, Log, Step};
use crate::image::ImageSource;

/// Kind of the cache entries that hold layer indexes; the number changes with their form.
const CACHE_KIND: &str = "layer-index-1";

/// Where layers and their indexes are kept.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    /// Blobs.
    pub store: &'a dyn BlobStore,
    /// Indexes.
    pub cache: &'a dyn Cache,
    /// What is said while layers are fetched.
    pub log: &'a dyn Log,
}

impl Layers<'_> {
    /// Returns the index of a layer; the blob is in the store afterwards.
    pub(crate) fn index(
        &self,
        source: &dyn ImageSource,
        descriptor: &Descriptor,
        diff_id: &Digest,
    ) -> Result<Arc<LayerIndex>, ComposeError> {
        let digest = descriptor.digest;
        let kept = self.store.size(&digest).map_err(ComposeError::store("look for a layer"))?;
        let failed = |error: io::Error| {
            let reference = source.reference().to_owned();
            if is_full(error.kind()) {
                return ComposeError::Store {
                    action: format!("keep layer `{digest}` of `{reference}`"),
                    source: error,
                };
            }
            ComposeError::Layer { reference, digest, source: error.into() }
        };
        if let Some(size) = kept.filter(|size| *size != descriptor.size) {
            return Err(failed(wrong_size(descriptor, size)));
        }
        let known = kept.and_then(|_| self.read(&digest));
        let is_known = known.is_some();
        let index = if let Some(index) = known {
            index
        } else if kept.is_some() {
            scan(&mut *self.store.open(&digest).map_err(failed)?).map_err(failed)?
        } else {
            self.log.event(
                Event::new(Step::Fetch, format!("fetch layer {} of {}", digest.short(), source.reference()))
                    .bytes(descriptor.size, descriptor.size),
            );
            self.fetch(source, descriptor).map_err(failed)?
        };
        if index.diff_id != *diff_id {
            let message =
                format!("its content has the diff id `{}`, the config says `{diff_id}`", index.diff_id);
            return Err(failed(io::Error::other(message)));
        }
        if !is_known {
            let bytes = postcard::to_allocvec(&index).map_err(|error| failed(io::Error::other(error)))?;
            self.cache.put(CACHE_KIND, &digest, &bytes).map_err(ComposeError::store("keep a layer index"))?;
        }
        Ok(Arc::new(index))
    }

    fn read(&self, digest: &Digest) -> Option<LayerIndex> {
        let bytes = self.cache.get(CACHE_KIND, digest)?;
        postcard::from_bytes(&bytes).ok()
    }

    /// Reads a layer from its source once: into the store, and through the scanner.
    fn fetch(&self, source: &dyn ImageSource, descriptor: &Descriptor) -> io::Result<LayerIndex> {
        let reader = source.layer(descriptor).map_err(io::Error::other)?;
        let mut tee = Tee { reader: reader.take(descriptor.size), writer: self.store.create()? };
        let index = scan(&mut tee)?;
        // A compressed stream may end before its blob does.
        io::copy(&mut tee, &mut io::sink())?;
        let (_, size) = tee.writer.commit(Some(&descriptor.digest))?;
        if size == descriptor.size { Ok(index) } else { Err(wrong_size(descriptor, size)) }
    }
}

fn wrong_size(descriptor: &Descriptor, size: u64) -> io::Error {
    io::Error::other(format!("it has {size} bytes, the manifest says {}", descriptor.size))
}

fn scan(reader: &mut (dyn Read + Send)) -> io::Result<LayerIndex> {
    let (_, decoded) = compression::decoder(reader)?;
    let scan = scan_tar(decoded, ScanMode::Layer, &ScanLimits::default()).map_err(|error| match error {
        // What could not be written while it was read says so itself.
        ScanError::Read(source) if is_full(source.kind()) => source,
        error => io::Error::other(error),
    })?;
    Ok(scan.into())
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Passes on what it reads, and writes it down.
struct Tee<R> {
    reader: R,
    writer: Box<dyn BlobWriter>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.reader.read(buffer)?;
        self.writer.write_all(&buffer[..size])?;
        Ok(size)
    }
}
