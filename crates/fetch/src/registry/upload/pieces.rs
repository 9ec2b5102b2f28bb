//! Blobs in several pieces, each of which goes on where the one before ended, also after a broken connection.
//!
//! See [Pushing a blob in chunks](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks).

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use reqwest::{Body, Method, Response, StatusCode, Url};
use temper_oci::Descriptor;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{is_unauthorized, location, with_digest};
use crate::registry::RegistryClient;
use crate::registry::endpoint::Endpoint;
use crate::registry::error::RegistryError;
use crate::registry::transport::Request;

impl RegistryClient {
    pub(super) async fn upload_pieces<R: Read + Send + 'static>(
        &self,
        endpoint: &Endpoint,
        mut location: Url,
        descriptor: &Descriptor,
        mut reader: R,
        chunk_bytes: usize,
    ) -> Result<(), RegistryError> {
        let digest = descriptor.digest;
        let mut offset = 0;
        while offset < descriptor.size {
            let length = (descriptor.size - offset).min(chunk_bytes as u64);
            let (chunk, rest) = read_chunk(reader, length)
                .await
                .map_err(|source| RegistryError::Source { digest, source })?;
            reader = rest;
            location = self.send_piece(endpoint, location, offset, &chunk).await?;
            offset += length;
        }
        let url = with_digest(location, digest);
        let request = Request::new(Method::PUT, url, endpoint.scope("pull,push")).header(CONTENT_LENGTH, "0");
        self.send_body(endpoint, &request, Body::from(Bytes::new())).await.map(drop)
    }

    /// Sends one piece until the registry has all of it, and returns where the next goes.
    async fn send_piece(
        &self,
        endpoint: &Endpoint,
        mut location: Url,
        start: u64,
        piece: &Bytes,
    ) -> Result<Url, RegistryError> {
        let end = start + piece.len() as u64;
        let (mut offset, mut failed) = (start, 0);
        loop {
            let rest = piece.slice((offset - start) as usize..);
            let error = match self.patch(endpoint, location.clone(), offset, rest).await {
                Ok(response) => {
                    location = super::location(endpoint, &response)?;
                    match received(response.headers()) {
                        // Some take less than they are sent.
                        Some(received) if offset < received && received < end => offset = received,
                        _ => return Ok(location),
                    }
                    continue;
                }
                Err(error) => error,
            };
            failed += 1;
            let is_elsewhere = error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE);
            let delay = if failed == 1 && (is_elsewhere || is_unauthorized(&error)) {
                Some(Duration::ZERO)
            } else {
                self.delay(failed, &error)
            };
            let Some(delay) = delay else { return Err(error) };
            tracing::debug!(upload.offset = offset, error = %error, "upload is resumed");
            sleep(delay).await;
            // What cannot be resumed begins again, with the first failure as the reason.
            let Ok((next, received)) = self.progress(endpoint, &location).await else { return Err(error) };
            location = next;
            match received {
                received if received == end => return Ok(location),
                received if start <= received && received < end => offset = received,
                _ => return Err(error),
            }
        }
    }

    async fn patch(
        &self,
        endpoint: &Endpoint,
        location: Url,
        offset: u64,
        piece: Bytes,
    ) -> Result<Response, RegistryError> {
        let last = offset + piece.len() as u64 - 1;
        let request = Request::new(Method::PATCH, location, endpoint.scope("pull,push"))
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, &piece.len().to_string())
            .header(CONTENT_RANGE, &format!("{offset}-{last}"));
        self.send_body(endpoint, &request, Body::from(piece)).await
    }

    /// Asks how many bytes of an upload the registry has, and where it goes on.
    async fn progress(&self, endpoint: &Endpoint, upload: &Url) -> Result<(Url, u64), RegistryError> {
        let request = Request::new(Method::GET, upload.clone(), endpoint.scope("pull,push"));
        let response = self.send(endpoint, &request).await?;
        Ok((location(endpoint, &response)?, received(response.headers()).unwrap_or(0)))
    }
}

/// Returns how many bytes an upload has by the header `Range`; `0-0` is how an empty one is written.
pub(in crate::registry) fn received(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RANGE)?.to_str().ok()?;
    let text = text.strip_prefix("bytes=").unwrap_or(text);
    let last: u64 = text.strip_prefix("0-")?.parse().ok()?;
    Some(if last == 0 { 0 } else { last.saturating_add(1) })
}

async fn read_chunk<R: Read + Send + 'static>(mut reader: R, length: u64) -> io::Result<(Bytes, R)> {
    spawn_blocking(move || {
        let mut bytes = vec![0; length as usize];
        reader.read_exact(&mut bytes)?;
        Ok((bytes.into(), reader))
    })
    .await?
}
