//! A blob store and a cache in memory that count what is written.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use temper_compose::{BlobStore, BlobWriter, Cache};
use temper_oci::validate::BlobSource;
use temper_oci::{Digest, DigestHasher};

/// Blobs in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryStore {
    blobs: Arc<Mutex<Blobs>>,
}

#[derive(Debug, Default)]
struct Blobs {
    bytes: BTreeMap<Digest, Arc<[u8]>>,
    /// Digests in the order in which they were written, those that were there already too.
    writes: Vec<Digest>,
}

impl MemoryStore {
    /// Returns a blob that must be there.
    pub(crate) fn get(&self, digest: &Digest) -> Arc<[u8]> {
        self.find(digest).unwrap_or_else(|| panic!("blob `{digest}` is in the store"))
    }

    /// Returns the digests that were written so far, in order.
    pub(crate) fn writes(&self) -> Vec<Digest> {
        self.blobs.lock().expect("no writer panics").writes.clone()
    }

    /// Puts other bytes in the place of a blob.
    pub(crate) fn damage(&self, digest: &Digest) {
        self.blobs.lock().expect("no writer panics").bytes.insert(*digest, Arc::from(&b"damaged"[..]));
    }

    /// Loses a blob.
    pub(crate) fn remove(&self, digest: &Digest) {
        self.blobs.lock().expect("no writer panics").bytes.remove(digest);
    }

    fn find(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.blobs.lock().expect("no writer panics").bytes.get(digest).cloned()
    }
}

impl BlobStore for MemoryStore {
    fn size(&self, digest: &Digest) -> io::Result<Option<u64>> {
        Ok(self.find(digest).map(|bytes| bytes.len() as u64))
    }

    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let bytes =
            self.find(digest).ok_or_else(|| io::Error::other(format!("blob `{digest}` is missing")))?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn create(&self) -> io::Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer { store: self.clone(), bytes: Vec::new(), hasher: DigestHasher::sha256() }))
    }
}

impl BlobSource for MemoryStore {
    fn open(&self, digest: &Digest) -> io::Result<Option<Box<dyn Read + Send + '_>>> {
        Ok(self.find(digest).map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }
}

struct Writer {
    store: MemoryStore,
    bytes: Vec<u8>,
    hasher: DigestHasher,
}

impl Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bytes.extend(buffer);
        self.hasher.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for Writer {
    fn commit(self: Box<Self>, expected: Option<&Digest>) -> io::Result<(Digest, u64)> {
        let (digest, size) = (self.hasher.finish(), self.bytes.len() as u64);
        if expected.is_some_and(|expected| *expected != digest) {
            return Err(io::Error::other(format!("digest is `{digest}`, not `{expected:?}`")));
        }
        let mut blobs = self.store.blobs.lock().expect("no writer panics");
        blobs.writes.push(digest);
        blobs.bytes.insert(digest, self.bytes.into());
        Ok((digest, size))
    }
}

/// Derived values in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryCache {
    values: Mutex<BTreeMap<(String, Digest), Vec<u8>>>,
}

impl Cache for MemoryCache {
    fn get(&self, kind: &str, key: &Digest) -> Option<Vec<u8>> {
        self.values.lock().expect("no writer panics").get(&(kind.to_owned(), *key)).cloned()
    }

    fn put(&self, kind: &str, key: &Digest, value: &[u8]) -> io::Result<()> {
        self.values.lock().expect("no writer panics").insert((kind.to_owned(), *key), value.to_vec());
        Ok(())
    }
}
