//! Package files: fetched once, indexed once, decoded once while a build that needs them runs.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rayon::prelude::*;
use temper_deb::package::PackageLimits;
use temper_oci::{Digest, ScanLimits, compression};
use temper_rootfs::contents::{ArchiveName, Contents};
use temper_rootfs::package_index::{PackageIndex, index_package, open_data};

use crate::archive::PackageFile;
use crate::blob_store::{BlobStore, Cache};
use crate::error::ComposeError;

/// Kind of the cache entries that hold package indexes; their own first byte names their form.
const CACHE_KIND: &str = "package-index";

/// How many bytes of decoded packages are held for the build that follows a plan.
const DECODED_BYTES_MAX: u64 = 512 << 20;

/// Archives that contents are copied from, with the packages that were decoded already.
pub(crate) struct Archives<'a> {
    store: &'a dyn BlobStore,
    cache: &'a dyn Cache,
    decoded: Mutex<Decoded>,
}

#[derive(Default)]
struct Decoded {
    archives: BTreeMap<Digest, Bytes>,
    size_bytes: u64,
}

impl<'a> Archives<'a> {
    /// Returns the archives of a store, with nothing decoded yet.
    pub(crate) fn new(store: &'a dyn BlobStore, cache: &'a dyn Cache) -> Self {
        Self { store, cache, decoded: Mutex::default() }
    }

    /// Returns the kept index of a package file, if there is one.
    pub(crate) fn find_index(&self, digest: &Digest) -> Option<Arc<PackageIndex>> {
        let bytes = self.cache.get(CACHE_KIND, digest)?;
        PackageIndex::from_bytes(&bytes).ok().map(Arc::new)
    }

    /// Says whether a package file has been indexed.
    pub(crate) fn has_index(&self, digest: &Digest) -> bool {
        self.find_index(digest).is_some()
    }

    /// Indexes package files that are in the store; the results are in the order of the files.
    pub(crate) fn index_all(&self, files: &[PackageFile]) -> Result<Vec<Arc<PackageIndex>>, ComposeError> {
        files.par_iter().map(|file| self.index(file)).collect()
    }

    fn index(&self, file: &PackageFile) -> Result<Arc<PackageIndex>, ComposeError> {
        if let Some(index) = self.find_index(&file.digest) {
            return Ok(index);
        }
        let blob = self.store.open(&file.digest).map_err(ComposeError::store("read a package file"))?;
        let indexed =
            index_package(blob, &PackageLimits::default(), &ScanLimits::default(), DECODED_BYTES_MAX)
                .map_err(|source| ComposeError::Package {
                    package: file.name.clone(),
                    source: source.into(),
                })?;
        self.cache
            .put(CACHE_KIND, &file.digest, &indexed.index.to_bytes())
            .map_err(ComposeError::store("keep a package index"))?;
        if let Some(data) = indexed.data {
            self.hold(file.digest, data.into());
        }
        Ok(Arc::new(indexed.index))
    }

    /// Holds a decoded archive while there is room for it.
    fn hold(&self, digest: Digest, data: Bytes) {
        let mut decoded = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        if decoded.size_bytes + data.len() as u64 <= DECODED_BYTES_MAX {
            decoded.size_bytes += data.len() as u64;
            decoded.archives.insert(digest, data);
        }
    }
}

impl Contents for Archives<'_> {
    fn open(&self, archive: ArchiveName) -> io::Result<Box<dyn Read + Send + '_>> {
        match archive {
            ArchiveName::Layer(blob) => Ok(compression::decoder(self.store.open(&blob)?)?.1),
            ArchiveName::Package(digest) => {
                let decoded = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(data) = decoded.archives.get(&digest) {
                    return Ok(Box::new(Cursor::new(data.clone())));
                }
                drop(decoded);
                let data = open_data(self.store.open(&digest)?, &PackageLimits::default());
                Ok(Box::new(data.map_err(io::Error::other)?))
            }
        }
    }
}
