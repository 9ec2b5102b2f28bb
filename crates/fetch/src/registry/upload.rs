//! Pushing blobs: not at all where they are, mounted where they can be, else in one piece, else in several.

pub(super) mod pieces;

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::{Body, Method, Response, StatusCode, Url};
use temper_oci::{Descriptor, Digest, Reference};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::Request;
use crate::http::display_url;

const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// Bytes that one read of the source fetches.
const READ_BYTES: usize = 256 << 10;

/// Largest piece in bytes that a registry may ask for: it is held in memory.
const CHUNK_BYTES_MAX: usize = 256 << 20;

/// How a blob got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was there.
    Existed,
    /// It was in another repository of the registry.
    Mounted,
    /// Its bytes were sent.
    Uploaded,
}

/// How a registry answers the wish to upload.
enum Begun {
    Mounted,
    /// Where to send the bytes, and how large a piece must be at least.
    Upload {
        location: Url,
        chunk_bytes_min: usize,
    },
}

impl RegistryClient {
    /// Pushes a blob to the reference's repository.
    ///
    /// `mount_from` is another repository of the same registry that may have the blob; without one, a repository
    /// where this client has seen the blob is tried. `open` gives the bytes from the beginning; it is called again
    /// for each attempt and should be quick, as opening a file is. See
    /// [Pushing blobs](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs).
    pub async fn push_blob<R, F>(
        &self,
        repository: &Reference,
        descriptor: &Descriptor,
        mount_from: Option<&str>,
        open: F,
    ) -> Result<Pushed, RegistryError>
    where
        R: Read + Send + 'static,
        F: Fn() -> io::Result<R> + Send + Sync,
    {
        if self.has_blob(repository, descriptor.digest).await? {
            return Ok(Pushed::Existed);
        }
        let endpoint = Endpoint::new(repository, &self.options)?;
        let seen = self.known.elsewhere(&endpoint.registry, &endpoint.repository, descriptor.digest);
        let mount_from = mount_from.or(seen.as_deref());
        let (mut failed, mut in_pieces) = (0, false);
        loop {
            let attempt = self.attempt(&endpoint, descriptor, mount_from, &open, in_pieces).await;
            let error = match attempt {
                Ok(pushed) => {
                    self.known.add(&endpoint.registry, &endpoint.repository, descriptor.digest);
                    return Ok(pushed);
                }
                Err(error) => error,
            };
            failed += 1;
            let is_long = descriptor.size > self.options.chunk_bytes as u64;
            // What stands between us and some registries takes small bodies only, and some of it says so by
            // breaking the connection.
            let delay = if !in_pieces && is_refusal_of_one_piece(&error) {
                in_pieces = true;
                Some(Duration::ZERO)
            } else if failed == 1 && is_unauthorized(&error) {
                // The token ended on the way; asking to begin again gets a new one, or the final refusal.
                Some(Duration::ZERO)
            } else {
                self.delay(failed, &error)
            };
            in_pieces |= is_long && failed > 1 && matches!(error, RegistryError::Send { .. });
            let Some(delay) = delay else { return Err(error) };
            tracing::debug!(blob.digest = %descriptor.digest, error = %error, "upload begins again");
            sleep(delay).await;
        }
    }

    /// Mounts a blob from another repository of the same registry; says whether the registry did.
    ///
    /// See [Mounting a blob from another repository](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository).
    pub async fn mount_blob(
        &self,
        repository: &Reference,
        digest: Digest,
        from: &str,
    ) -> Result<bool, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        match self.begin(&endpoint, Some((digest, from))).await? {
            Begun::Mounted => Ok(true),
            Begun::Upload { location, .. } => {
                // The upload that the registry offers instead is not wanted; it would end by itself.
                let cancel = Request::new(Method::DELETE, location, endpoint.scope("pull,push"));
                let _ = self.send(&endpoint, &cancel).await;
                Ok(false)
            }
        }
    }

    async fn attempt<R, F>(
        &self,
        endpoint: &Endpoint,
        descriptor: &Descriptor,
        mount_from: Option<&str>,
        open: &F,
        in_pieces: bool,
    ) -> Result<Pushed, RegistryError>
    where
        R: Read + Send + 'static,
        F: Fn() -> io::Result<R> + Send + Sync,
    {
        let mount = mount_from.map(|from| (descriptor.digest, from));
        let begun = match self.begin(endpoint, mount).await {
            // Who may not read there, or cannot mount at all, uploads.
            Err(error) if mount.is_some() && is_refusal_of_mount(&error) => {
                self.begin(endpoint, None).await?
            }
            begun => begun?,
        };
        let Begun::Upload { location, chunk_bytes_min } = begun else { return Ok(Pushed::Mounted) };
        let digest = descriptor.digest;
        let reader = open().map_err(|source| RegistryError::Source { digest, source })?;
        if in_pieces {
            let chunk_bytes = self.options.chunk_bytes.max(chunk_bytes_min).clamp(1, CHUNK_BYTES_MAX);
            self.upload_pieces(endpoint, location, descriptor, reader, chunk_bytes).await?;
        } else {
            self.upload_whole(endpoint, location, descriptor, reader).await?;
        }
        Ok(Pushed::Uploaded)
    }

    /// Asks for an upload, or for a blob to be mounted.
    async fn begin(
        &self,
        endpoint: &Endpoint,
        mount: Option<(Digest, &str)>,
    ) -> Result<Begun, RegistryError> {
        let mut request =
            Request::new(Method::POST, endpoint.url("blobs/uploads/"), endpoint.scope("pull,push"))
                .header(CONTENT_LENGTH, "0");
        if let Some((digest, from)) = mount {
            let mut query = request.url.query_pairs_mut();
            query.append_pair("mount", &digest.to_string()).append_pair("from", from);
            drop(query);
            request.scopes.push(format!("repository:{from}:pull"));
        }
        let response = self.send(endpoint, &request).await?;
        if response.status() == StatusCode::CREATED && mount.is_some() {
            return Ok(Begun::Mounted);
        }
        let minimum = response.headers().get(CHUNK_MIN_LENGTH);
        let minimum = minimum.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        Ok(Begun::Upload { location: location(endpoint, &response)?, chunk_bytes_min: minimum })
    }

    async fn upload_whole<R: Read + Send + 'static>(
        &self,
        endpoint: &Endpoint,
        location: Url,
        descriptor: &Descriptor,
        reader: R,
    ) -> Result<(), RegistryError> {
        let url = with_digest(location, descriptor.digest);
        let request = Request::new(Method::PUT, url, endpoint.scope("pull,push"))
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, &descriptor.size.to_string());
        let body = Body::wrap_stream(stream(reader.take(descriptor.size)));
        self.send_body(endpoint, &request, body).await.map(drop)
    }
}

fn location(endpoint: &Endpoint, response: &Response) -> Result<Url, RegistryError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location
        .ok_or_else(|| RegistryError::Answer { url: display_url(response.url()), what: "upload location" })?;
    endpoint.join(response.url(), location)
}

/// Adds the digest to an upload's address, whose own query is kept as it is.
fn with_digest(mut location: Url, digest: Digest) -> Url {
    location.query_pairs_mut().append_pair("digest", &digest.to_string());
    location
}

fn stream<R: Read + Send + 'static>(reader: R) -> impl Stream<Item = io::Result<Bytes>> + Send {
    try_unfold(reader, async |mut reader| {
        let read = spawn_blocking(move || {
            let mut bytes = BytesMut::zeroed(READ_BYTES);
            let count = reader.read(&mut bytes)?;
            bytes.truncate(count);
            Ok::<_, io::Error>((bytes.freeze(), reader))
        });
        let (bytes, reader) = read.await??;
        Ok::<_, io::Error>((!bytes.is_empty()).then_some((bytes, reader)))
    })
}

/// Says whether the registry, or a proxy before it, does not take a blob in one piece.
fn is_refusal_of_one_piece(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Refused(refusal) if refusal.method == Method::PUT
        && matches!(refusal.status.as_u16(), 404 | 405 | 411 | 413 | 501))
}

fn is_refusal_of_mount(error: &RegistryError) -> bool {
    error.status().is_some_and(|status| status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS)
}

fn is_unauthorized(error: &RegistryError) -> bool {
    error.status() == Some(StatusCode::UNAUTHORIZED)
}
