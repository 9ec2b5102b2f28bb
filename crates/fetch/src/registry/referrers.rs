//! Referrers: what a registry itself knows to refer to a manifest.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Method, Url};
use temper_oci::document::{DocumentError, ImageDocument};
use temper_oci::media_type::OCI_INDEX;
use temper_oci::{Descriptor, Digest, Index, Reference};

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::pages::Pages;
use super::transport::Request;
use crate::http::display_url;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

impl RegistryClient {
    /// Lists what the registry itself knows to refer to `subject`; `None` where it keeps no such list.
    ///
    /// The registry may leave out what has another artifact type, and need not. See
    /// [Listing Referrers](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
    pub async fn find_referrers(
        &self,
        repository: &Reference,
        subject: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        let mut url = endpoint.url(&format!("referrers/{subject}"));
        if let Some(artifact_type) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", artifact_type);
        }
        self.referrers_by_api(&endpoint, url).await
    }

    /// Reads all pages; `None` where the registry has no such API.
    async fn referrers_by_api(
        &self,
        endpoint: &Endpoint,
        first: Url,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let mut pages = Pages::new(endpoint, &self.options, first);
        let mut referrers = Vec::new();
        while let Some(url) = pages.next()? {
            let request =
                Request::new(Method::GET, url.clone(), endpoint.scope("pull")).header(ACCEPT, OCI_INDEX);
            let response = match self.send(endpoint, &request).await {
                Ok(response) => response,
                Err(error) if pages.is_at_first() && is_unsupported(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            let is_index = response
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|value| value.to_str().is_ok_and(|text| text.starts_with(OCI_INDEX)));
            // Some answer unknown paths with a page for people.
            if !is_index && pages.is_at_first() && !response.headers().contains_key(FILTERS_APPLIED) {
                return Ok(None);
            }
            let bytes = pages.read(response, self.options.manifest_bytes_max).await?;
            let index = parse_index(&bytes)
                .map_err(|_| RegistryError::Answer { url: display_url(&url), what: "list of referrers" })?;
            pages.count(&url, index.manifests.len())?;
            referrers.extend(index.manifests);
        }
        Ok(Some(referrers))
    }
}

fn parse_index(bytes: &[u8]) -> Result<Index, DocumentError> {
    match ImageDocument::parse(bytes.to_vec(), Some(OCI_INDEX))? {
        ImageDocument::Index(index) => Ok((*index).clone()),
        ImageDocument::Manifest(_) => Err(DocumentError::Unknown),
    }
}

fn is_unsupported(error: &RegistryError) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 404 | 405 | 406 | 501))
}
