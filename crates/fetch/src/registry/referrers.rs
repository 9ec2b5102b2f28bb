//! Referrers: what refers to a manifest, by the API or by the fallback tag.

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
    /// Lists what refers to `subject` in the reference's repository, of one artifact type or of all.
    ///
    /// Registries without the API are asked for the fallback tag. See
    /// [Listing Referrers](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
    pub async fn referrers(
        &self,
        repository: &Reference,
        subject: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut referrers = match self.find_referrers(repository, subject, artifact_type).await? {
            Some(referrers) => referrers,
            None => {
                self.fallback(repository, subject).await?.map(|index| index.manifests).unwrap_or_default()
            }
        };
        if let Some(artifact_type) = artifact_type {
            // Filtering is the registry's choice; doing it again costs nothing.
            referrers.retain(|referrer| referrer.artifact_type.as_deref() == Some(artifact_type));
        }
        Ok(referrers)
    }

    /// Lists what the registry itself knows to refer to `subject`; `None` where it keeps no such list.
    ///
    /// The registry may leave out what has another artifact type, and need not.
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

    /// Reads the index under the fallback tag, if there is one.
    async fn fallback(
        &self,
        repository: &Reference,
        subject: Digest,
    ) -> Result<Option<Index>, RegistryError> {
        let reference = fallback_tag(repository, subject);
        match self.manifest(&reference).await {
            Ok(manifest) => parse_index(&manifest.bytes)
                .map(Some)
                .map_err(|_| RegistryError::Answer { url: reference.to_string(), what: "list of referrers" }),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a referrer to the index under the fallback tag. One writer per subject at a time is the caller's duty.
    ///
    /// See [Referrers Tag Schema](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema).
    pub(super) async fn add_fallback(
        &self,
        repository: &Reference,
        subject: Digest,
        referrer: Descriptor,
    ) -> Result<(), RegistryError> {
        let mut index = self.fallback(repository, subject).await?.unwrap_or_else(|| Index::of(Vec::new()));
        if index.manifests.iter().any(|entry| entry.digest == referrer.digest) {
            return Ok(());
        }
        index.manifests.push(referrer);
        let reference = fallback_tag(repository, subject);
        // An index without a subject ends the recursion.
        index.subject = None;
        Box::pin(self.push_manifest(&reference, OCI_INDEX, index.to_bytes().into())).await.map(drop)
    }
}

fn fallback_tag(repository: &Reference, subject: Digest) -> Reference {
    let tag = temper_attest::carrier::fallback_tag(subject);
    repository.with_tag(&tag).expect("an algorithm and hexadecimal digits make a tag")
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
