//! Bringing in what is missing of an image.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use temper_attest::carrier::Publication;
use temper_compose::{External, list_referrers};
use temper_oci::Descriptor;

use super::closure::Closure;
use super::{Journal, Progress};
use crate::error::HubError;

/// Blobs that are fetched at once: what Docker does, and no registry takes for an attack.
const BLOBS_AT_ONCE: usize = 4;

/// What the threads of a transfer share.
struct Queue<'a> {
    blobs: Vec<&'a Descriptor>,
    progress: &'a mut Progress,
    failure: Option<HubError>,
}

/// Brings in the blobs; the first failure ends it.
pub(super) fn blobs(
    closure: &Closure<'_>,
    progress: &mut Progress,
    journal: &dyn Journal,
) -> Result<(), HubError> {
    let mut blobs = closure.blobs();
    blobs.reverse();
    progress.bytes += blobs.iter().map(|blob| blob.size).sum::<u64>();
    let threads = BLOBS_AT_ONCE.min(blobs.len());
    let queue = Mutex::new(Queue { blobs, progress, failure: None });
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            let Some(blob) = lock().blobs.pop() else { return };
            let done = put(closure, blob).map_err(HubError::from);
            let mut queue = lock();
            queue.progress.blobs_done += 1;
            queue.progress.bytes_done += blob.size;
            let told = done.and_then(|()| journal.progress(queue.progress));
            if let Err(error) = told {
                queue.blobs.clear();
                queue.failure.get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.failure.map_or(Ok(()), Err)
}

fn put(closure: &Closure<'_>, blob: &Descriptor) -> Result<(), External> {
    let open = || closure.upstream.blob(blob).map_err(io::Error::other);
    closure.destination.put_blob(blob, &open)
}

/// Lists the referrers under the fallback tags, where the destination keeps no lists.
pub(super) fn lists(closure: &Closure<'_>) -> Result<(), HubError> {
    for (subject, referrers) in closure.listed() {
        for referrer in referrers {
            let publication = Publication::listing(subject, referrer.clone());
            list_referrers(closure.destination, subject, &publication)?;
        }
    }
    Ok(())
}

/// Brings in the manifests, then the tags of attachments, and last the image's own tags.
pub(super) fn documents(closure: &Closure<'_>, tags: &[String]) -> Result<(), HubError> {
    let destination = closure.destination;
    for item in closure.untagged() {
        destination.put_manifest(&item.descriptor, &item.bytes)?;
    }
    lists(closure)?;
    for (tag, item) in closure.tagged() {
        destination.put_attachment(&item.descriptor, &item.bytes, tag)?;
    }
    let top = closure.top();
    if top.is_new && tags.is_empty() {
        destination.put_manifest(&top.descriptor, &top.bytes)?;
    }
    Ok(destination.move_tags(&top.descriptor, &top.bytes, tags)?)
}
