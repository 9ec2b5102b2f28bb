//! A cache in which no written layer is found: what is built again is written again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use temper_oci::Digest;

use crate::blob_store::Cache;
use crate::layer_store::WRITTEN_KINDS;

/// Passes on what is known of inputs, and keeps what is known of results for itself.
pub(super) struct Scratch<'a> {
    cache: &'a dyn Cache,
    own: Mutex<BTreeMap<(String, Digest), Vec<u8>>>,
}

impl<'a> Scratch<'a> {
    pub(super) fn over(cache: &'a dyn Cache) -> Self {
        Self { cache, own: Mutex::default() }
    }
}

impl Cache for Scratch<'_> {
    fn get(&self, kind: &str, key: &Digest) -> Option<Vec<u8>> {
        if !WRITTEN_KINDS.contains(&kind) {
            return self.cache.get(kind, key);
        }
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.get(&(kind.to_owned(), *key)).cloned()
    }

    fn put(&self, kind: &str, key: &Digest, value: &[u8]) -> io::Result<()> {
        if !WRITTEN_KINDS.contains(&kind) {
            return self.cache.put(kind, key, value);
        }
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.insert((kind.to_owned(), *key), value.to_vec());
        Ok(())
    }
}
