//! Package files: fetched side by side, verified while they arrive, kept only when they are right.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use reqwest::Url;
use reqwest::header::HeaderMap;
use temper_oci::{Digest, DigestHasher};
use tokio::sync::mpsc;

use crate::http::{HttpError, display_url};

use super::index::blocking;
use super::request::{self, Attempts};
use super::{ArchiveClient, ArchiveError};

/// A package file as a signed index describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageFile {
    /// The archive's address, located or `distribution:NAME`.
    pub uri: String,
    /// Path below it.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub digest: Digest,
}

/// Where package files are put.
pub trait PackageSink: Send + Sync {
    /// Tells whether a file is there already.
    fn contains(&self, digest: &Digest) -> io::Result<bool>;

    /// Starts a file that nobody sees before it is committed, and that vanishes when it is dropped before.
    fn create(&self) -> io::Result<Box<dyn PackageWriter>>;
}

/// A package file that is being written.
pub trait PackageWriter: Write + Send {
    /// Makes the file visible under its digest, which has been checked.
    fn commit(self: Box<Self>, digest: &Digest) -> io::Result<()>;
}

/// What happens to one file of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The file was there already.
    Present(&'a PackageFile),
    /// So many more bytes have arrived.
    Received(&'a PackageFile, u64),
    /// A try failed and is repeated after a wait: what had arrived does not count.
    Repeated(&'a PackageFile, u32),
    /// The file is verified and kept.
    Done(&'a PackageFile),
}

/// What a fetch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchSummary {
    /// Files that were fetched.
    pub fetched: u64,
    /// Their size in bytes.
    pub fetched_bytes: u64,
    /// Files that were there already.
    pub present: u64,
}

/// Pieces of a file that wait between network and disk.
const PIECES_WAITING_MAX: usize = 16;

impl ArchiveClient {
    /// Puts package files into a sink, several at once; the first failure ends the fetch, what is complete stays.
    pub async fn fetch_packages(
        &self,
        files: &[PackageFile],
        sink: Arc<dyn PackageSink>,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<FetchSummary, ArchiveError> {
        let mut seen = BTreeSet::new();
        let files = files.iter().filter(|file| seen.insert(file.digest)).map(|file| {
            let sink = Arc::clone(&sink);
            async move { self.fetch_package(file, sink, progress).await }
        });
        let futures: Vec<_> = files.collect();
        let results = iter(futures).buffer_unordered(self.config.downloads_max.max(1));
        results
            .try_fold(FetchSummary::default(), async |sum, bytes| {
                Ok(match bytes {
                    Some(bytes) => FetchSummary {
                        fetched: sum.fetched + 1,
                        fetched_bytes: sum.fetched_bytes + bytes,
                        ..sum
                    },
                    None => FetchSummary { present: sum.present + 1, ..sum },
                })
            })
            .await
    }

    /// Fetches one file unless it is there, and returns how many bytes came.
    async fn fetch_package(
        &self,
        file: &PackageFile,
        sink: Arc<dyn PackageSink>,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Option<u64>, ArchiveError> {
        let url = request::below(&self.config.mirrors.locate(&file.uri)?, &file.path)?;
        let shown = display_url(&url);
        let limit = self.config.limits.package_bytes_max;
        if file.size > limit {
            return Err(ArchiveError::TooLarge { url: shown, size: file.size, limit });
        }
        let (digest, asked) = (file.digest, Arc::clone(&sink));
        let refused = move |source| ArchiveError::Sink { url: shown.clone(), source };
        if blocking(move || asked.contains(&digest).map_err(refused)).await? {
            progress(Progress::Present(file));
            return Ok(None);
        }
        let mut attempts = Attempts::new(&self.config.backoff);
        let mut failed = 0;
        while let Err(error) = self.try_package(file, &url, &sink, progress).await {
            attempts.after(error).await?;
            failed += 1;
            progress(Progress::Repeated(file, failed));
        }
        progress(Progress::Done(file));
        Ok(Some(file.size))
    }

    async fn try_package(
        &self,
        file: &PackageFile,
        url: &Url,
        sink: &Arc<dyn PackageSink>,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<(), ArchiveError> {
        let mut response = request::get(&self.client, url, HeaderMap::new(), &[]).await?;
        let expected = file.size;
        if let Some(found) = response.content_length().filter(|found| *found != expected) {
            return Err(ArchiveError::Size { url: display_url(url), expected, found });
        }
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING_MAX);
        let (keeper, shown, expected_digest) = (Arc::clone(sink), display_url(url), file.digest);
        let keep = blocking(move || keep(waiting, &*keeper, shown, expected, expected_digest));
        let receive = async move {
            let mut received = 0;
            while let Some(piece) = response.chunk().await.map_err(|source| broken(url, source))? {
                received += piece.len() as u64;
                progress(Progress::Received(file, piece.len() as u64));
                // What is too long is seen by the writer, as is everything else that is wrong.
                if pieces.send(piece).await.is_err() || received > expected {
                    break;
                }
            }
            Ok(())
        };
        let (received, kept) = tokio::join!(receive, keep);
        match kept {
            // After a break the writer sees a short file, and the break is the cause.
            Err(ArchiveError::Size { .. }) => received.and(kept),
            kept => kept,
        }
    }
}

/// Writes what arrives, and commits it if it is the announced file.
fn keep(
    mut waiting: mpsc::Receiver<Bytes>,
    sink: &dyn PackageSink,
    url: String,
    expected_size: u64,
    expected: Digest,
) -> Result<(), ArchiveError> {
    let refused = |source| ArchiveError::Sink { url: url.clone(), source };
    let mut writer = sink.create().map_err(refused)?;
    let mut hasher: DigestHasher = expected.hasher();
    let mut size = 0;
    while let Some(piece) = waiting.blocking_recv() {
        hasher.update(&piece);
        writer.write_all(&piece).map_err(refused)?;
        size += piece.len() as u64;
    }
    if size != expected_size {
        return Err(ArchiveError::Size { url, expected: expected_size, found: size });
    }
    let found = hasher.finish();
    if found != expected {
        return Err(ArchiveError::Digest { url, expected: expected.into(), found: found.into() });
    }
    writer.commit(&expected).map_err(refused)
}

fn broken(url: &Url, source: reqwest::Error) -> ArchiveError {
    HttpError::Body { url: display_url(url), source: source.without_url() }.into()
}
