//! Blobs: streamed, verified on the way, and taken up again where a connection broke.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::header::{CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Method, Response, StatusCode};
use temper_oci::{Descriptor, Digest, DigestHasher, Reference};
use tokio::time::sleep;

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::Request;
use crate::http::{HttpError, display_url};

/// Progress after which earlier failures are forgotten, in bytes.
const PROGRESS_BYTES: u64 = 1 << 20;

/// A blob that arrives.
///
/// The last piece comes only when all bytes together have the expected digest, so who waits for the end holds
/// verified bytes; who does not must throw away what came before an error.
pub struct BlobStream {
    client: RegistryClient,
    endpoint: Endpoint,
    digest: Digest,
    size_bytes: u64,
    response: Option<Response>,
    hasher: DigestHasher,
    offset: u64,
    /// Bytes that a registry without ranges sends again.
    skip: u64,
    failed: u32,
    /// Where the last failure was.
    failed_at: u64,
    /// The last piece, held back until the digest is known.
    held: Option<Bytes>,
}

impl RegistryClient {
    /// Streams a blob of the reference's repository; size and digest are the descriptor's.
    ///
    /// See [Pulling blobs](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs).
    pub async fn blob(
        &self,
        repository: &Reference,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        let digest = descriptor.digest;
        let response = self.send(&endpoint, &request(&endpoint, Method::GET, digest)).await?;
        Ok(BlobStream {
            client: self.clone(),
            endpoint,
            digest,
            size_bytes: descriptor.size,
            response: Some(response),
            hasher: digest.hasher(),
            offset: 0,
            skip: 0,
            failed: 0,
            failed_at: 0,
            held: None,
        })
    }

    /// Says whether the repository has a blob.
    pub async fn has_blob(&self, repository: &Reference, digest: Digest) -> Result<bool, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        let mut request = request(&endpoint, Method::HEAD, digest);
        // Usually asked before a push: one token serves both.
        request.scopes = vec![endpoint.scope("pull,push")];
        self.exists(&endpoint, &request).await
    }

    async fn exists(&self, endpoint: &Endpoint, request: &Request) -> Result<bool, RegistryError> {
        match self.send(endpoint, request).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a blob from a repository; says whether it was there.
    pub async fn delete_blob(&self, repository: &Reference, digest: Digest) -> Result<bool, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        let mut request = request(&endpoint, Method::DELETE, digest);
        request.scopes = vec![endpoint.scope("delete,pull")];
        self.delete(&endpoint, &request).await
    }
}

fn request(endpoint: &Endpoint, method: Method, digest: Digest) -> Request {
    Request::new(method, endpoint.url(&format!("blobs/{digest}")), endpoint.scope("pull"))
}

impl BlobStream {
    /// Waits for the next piece; nothing after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        while self.offset < self.size_bytes {
            match self.chunk().await {
                Ok(chunk) if chunk.is_empty() => {}
                Ok(chunk) => {
                    self.hasher.update(&chunk);
                    self.offset += chunk.len() as u64;
                    if let Some(before) = self.held.replace(chunk) {
                        return Ok(Some(before));
                    }
                }
                Err(error) => self.resume(error).await?,
            }
        }
        let last = self.held.take();
        self.finish().await?;
        Ok(last)
    }

    /// Turns into a stream, for readers that want one.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        try_unfold(self, async |mut blob| {
            let chunk = blob.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(chunk.map(|chunk| (chunk, blob)))
        })
    }

    /// Takes what the connection has, without what was there before; an early end is an error.
    async fn chunk(&mut self) -> Result<Bytes, RegistryError> {
        let url = self.url();
        let Some(response) = &mut self.response else {
            return Err(RegistryError::Size { url, expected: self.size_bytes, actual: self.offset });
        };
        let chunk =
            response.chunk().await.map_err(|source| HttpError::Body { url, source: source.without_url() })?;
        let Some(mut chunk) = chunk else {
            let (url, expected) = (self.url(), self.size_bytes);
            self.response = None;
            return Err(RegistryError::Size { url, expected, actual: self.offset });
        };
        let skipped = self.skip.min(chunk.len() as u64);
        self.skip -= skipped;
        let chunk = chunk.split_off(skipped as usize);
        if chunk.len() as u64 > self.size_bytes - self.offset {
            return Err(RegistryError::Body(HttpError::TooLarge { url: self.url(), limit: self.size_bytes }));
        }
        Ok(chunk)
    }

    /// Asks for the rest after a failure, if it is of the kind that passes.
    async fn resume(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let broke_off = matches!(error, RegistryError::Size { .. });
        if self.offset - self.failed_at >= PROGRESS_BYTES {
            self.failed = 0;
        }
        self.failed_at = self.offset;
        self.failed += 1;
        let delay = if broke_off {
            self.client.options.backoff.delay(self.failed, None)
        } else {
            self.client.delay(self.failed, &error)
        };
        let Some(delay) = delay else { return Err(error) };
        tracing::debug!(blob.digest = %self.digest, blob.offset = self.offset, error = %error, "blob is resumed");
        sleep(delay).await;
        let request = request(&self.endpoint, Method::GET, self.digest)
            .header(RANGE, &format!("bytes={}-", self.offset));
        let response = match self.client.send(&self.endpoint, &request).await {
            // There is nothing behind what came: the first failure says it better.
            Err(refused) if refused.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) => return Err(error),
            response => response?,
        };
        self.skip = match response.status() {
            StatusCode::PARTIAL_CONTENT if first_byte(response.headers()) == Some(self.offset) => 0,
            StatusCode::OK => self.offset,
            _ => return Err(RegistryError::Answer { url: display_url(response.url()), what: "range" }),
        };
        self.response = Some(response);
        Ok(())
    }

    /// Checks size and digest of the whole.
    async fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(mut response) = self.response.take() else { return Ok(()) };
        let url = display_url(response.url());
        // More bytes than announced show only here; how the connection ends no longer matters.
        if let Ok(Some(chunk)) = response.chunk().await
            && !chunk.is_empty()
            && self.skip == 0
        {
            let actual = self.size_bytes + chunk.len() as u64;
            return Err(RegistryError::Size { url, expected: self.size_bytes, actual });
        }
        let (expected, actual) = (self.digest, self.hasher.clone().finish());
        if actual == expected {
            return Ok(());
        }
        Err(RegistryError::Digest { url, expected: expected.into(), actual: actual.into() })
    }

    fn url(&self) -> String {
        display_url(&self.endpoint.url(&format!("blobs/{}", self.digest)))
    }
}

/// Returns where the part of a blob in an answer begins.
pub(super) fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}
