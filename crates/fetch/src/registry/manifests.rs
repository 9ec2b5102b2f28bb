//! Manifests: read with their digest checked, pushed as the bytes they are.

use bytes::Bytes;
use reqwest::Method;
use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use temper_oci::document::ImageDocument;
use temper_oci::media_type::ACCEPTED;
use temper_oci::{Digest, Reference};

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::Request;
use crate::http::{display_url, read_body};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest or index as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedManifest {
    /// Digest of the bytes: the one that was asked for, or else SHA-256.
    pub digest: Digest,
    /// Media type of the answer, without parameters.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// What a registry says of a manifest without sending it. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Media type, without parameters.
    pub media_type: String,
    /// Number of bytes, if the registry says.
    pub size_bytes: Option<u64>,
}

impl RegistryClient {
    /// Reads a manifest or index. Its bytes have the digest of the reference, if it has one.
    ///
    /// See [Pulling manifests](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests).
    pub async fn manifest(&self, reference: &Reference) -> Result<FetchedManifest, RegistryError> {
        let endpoint = Endpoint::new(reference, &self.options)?;
        let request = read_request(&endpoint, Method::GET, &reference.identifier());
        let response = self.send(&endpoint, &request).await?;
        let url = display_url(response.url());
        let media_type = media_type(response.headers());
        let announced = digest(response.headers());
        let bytes = read_body(response, self.options.manifest_bytes_max).await?;
        for expected in reference.digest().into_iter().chain(announced) {
            verify(&url, expected, &bytes)?;
        }
        self.remember_blobs(&endpoint, media_type.as_deref(), &bytes);
        // Registries that only store files send no type of their own; the document knows.
        let media_type = match media_type {
            Some(media_type) => media_type,
            None => ImageDocument::parse(bytes.clone(), None)
                .map_err(|_| RegistryError::Answer { url, what: "media type" })?
                .media_type()
                .to_owned(),
        };
        let digest = reference.digest().unwrap_or_else(|| Digest::of(&bytes));
        Ok(FetchedManifest { digest, media_type, bytes })
    }

    /// Keeps in mind which blobs the repository has, to mount them from there.
    fn remember_blobs(&self, endpoint: &Endpoint, media_type: Option<&str>, bytes: &Bytes) {
        if let Ok(document @ ImageDocument::Manifest(_)) = ImageDocument::parse(bytes.clone(), media_type) {
            for blob in document.children() {
                self.known.add(&endpoint.registry, &endpoint.repository, blob.digest);
            }
        }
    }

    /// Asks what a tag or digest leads to; `None` where the registry knows none.
    ///
    /// Costs nothing against the pull limits of large registries, unlike [`RegistryClient::manifest`].
    pub async fn find_manifest(&self, reference: &Reference) -> Result<Option<ManifestHead>, RegistryError> {
        let endpoint = Endpoint::new(reference, &self.options)?;
        let request = read_request(&endpoint, Method::HEAD, &reference.identifier());
        let response = match self.send(&endpoint, &request).await {
            Ok(response) => response,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        if let (Some(digest), Some(media_type)) = (digest(response.headers()), media_type(response.headers()))
        {
            let size_bytes = number(&response);
            return Ok(Some(ManifestHead { digest, media_type, size_bytes }));
        }
        // Old registries answer without the digest: the bytes tell.
        let FetchedManifest { digest, media_type, bytes } = self.manifest(reference).await?;
        Ok(Some(ManifestHead { digest, media_type, size_bytes: Some(bytes.len() as u64) }))
    }

    /// Pushes a manifest or index under the reference's tag, or under its digest, and returns its digest.
    ///
    /// Where it has a subject and the registry keeps no referrers, somebody must list it under the fallback tag: whoever
    /// attaches something does that once for each subject (`temper_compose::list_referrers`). See
    /// [Pushing manifests](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests).
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, RegistryError> {
        let endpoint = Endpoint::new(reference, &self.options)?;
        let by_tag = reference.digest().is_none() && reference.tag().is_some();
        let name = if by_tag {
            reference.identifier()
        } else {
            reference.digest().unwrap_or_else(|| Digest::of(&bytes)).to_string()
        };
        let url = endpoint.url(&format!("manifests/{name}"));
        let request = Request::new(Method::PUT, url, endpoint.scope("pull,push"))
            .header(CONTENT_TYPE, media_type)
            .body(bytes.clone());
        let response = self.send(&endpoint, &request).await?;
        let url = display_url(response.url());
        let digest = match digest(response.headers()) {
            Some(digest) => digest,
            None => reference.digest().unwrap_or_else(|| Digest::of(&bytes)),
        };
        verify(&url, digest, &bytes)?;
        Ok(digest)
    }

    /// Deletes a tag, or a manifest by digest; says whether it was there.
    pub async fn delete_manifest(&self, reference: &Reference) -> Result<bool, RegistryError> {
        let endpoint = Endpoint::new(reference, &self.options)?;
        let url = endpoint.url(&format!("manifests/{}", reference.identifier()));
        let request = Request::new(Method::DELETE, url, endpoint.scope("delete,pull"));
        self.delete(&endpoint, &request).await
    }

    pub(super) async fn delete(&self, endpoint: &Endpoint, request: &Request) -> Result<bool, RegistryError> {
        match self.send(endpoint, request).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn read_request(endpoint: &Endpoint, method: Method, identifier: &str) -> Request {
    let url = endpoint.url(&format!("manifests/{identifier}"));
    Request::new(method, url, endpoint.scope("pull")).header(ACCEPT, &ACCEPTED.join(", "))
}

/// Reads the media type of an answer; types that say nothing count as none.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = text.split(';').next().unwrap_or("").trim();
    let says_nothing =
        matches!(media_type, "" | "application/octet-stream" | "application/json" | "text/plain");
    (!says_nothing).then(|| media_type.to_owned())
}

fn digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

fn number(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn verify(url: &str, expected: Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == expected {
        return Ok(());
    }
    Err(RegistryError::Digest { url: url.to_owned(), expected: expected.into(), actual: actual.into() })
}
