//! A destination that asks before the tags move, and that can stop between any two writes.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use temper_compose::{Attachments, Destination, External, OpenBlob};
use temper_oci::{Descriptor, Digest, ImageDocument};

use super::{Guard, Stop, reached};

/// A destination with a guard before its tags.
pub(super) struct Guarded<'a> {
    inner: &'a dyn Destination,
    guard: &'a dyn Guard,
    /// The repository's name.
    name: &'a str,
    stopped: Mutex<Option<Stop>>,
}

impl<'a> Guarded<'a> {
    pub(super) fn new(inner: &'a dyn Destination, guard: &'a dyn Guard, name: &'a str) -> Self {
        Self { inner, guard, name, stopped: Mutex::default() }
    }

    /// Says why the publication was stopped, if it was.
    pub(super) fn stopped(&self) -> Option<Stop> {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self, point: &str) -> Result<(), External> {
        reached(self.name, point).map_err(|stop| self.stop(stop))
    }

    fn stop(&self, stop: Stop) -> External {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
        External { message: "the publication was stopped".to_owned(), hint: None, source: None }
    }
}

impl Destination for Guarded<'_> {
    fn blobs_at_once(&self) -> usize {
        self.inner.blobs_at_once()
    }

    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        self.reached("blob")?;
        self.inner.put_blob(descriptor, open)
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.reached("manifest")?;
        self.inner.put_manifest(descriptor, bytes)
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.reached("attachment")?;
        self.inner.put_attachment(descriptor, bytes, tag)
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.reached("tags")?;
        self.guard.publish().map_err(|stop| self.stop(stop))?;
        self.inner.move_tags(image, bytes, tags)
    }
}

impl Attachments for Guarded<'_> {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        self.inner.tagged(tag)
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        self.inner.referrers(subject)
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        self.inner.part(descriptor)
    }
}
