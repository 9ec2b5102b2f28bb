//! Tag lists, page by page.

use reqwest::Method;
use serde::Deserialize;
use temper_oci::Reference;
use temper_oci::reference::check_tag;

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::pages::Pages;
use super::transport::Request;
use crate::http::display_url;

/// Longest page in bytes.
const PAGE_BYTES_MAX: u64 = 16 << 20;

#[derive(Deserialize)]
struct Page {
    /// Some registries write `null` for a repository without tags.
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// Lists all tags of a repository in the registry's order.
    ///
    /// See [Listing Tags](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags).
    pub async fn tags(&self, repository: &Reference) -> Result<Vec<String>, RegistryError> {
        let endpoint = Endpoint::new(repository, &self.options)?;
        let mut pages = Pages::new(&endpoint, &self.options, endpoint.url("tags/list"));
        let mut tags = Vec::new();
        while let Some(url) = pages.next()? {
            let request = Request::new(Method::GET, url.clone(), endpoint.scope("pull"));
            let response = self.send(&endpoint, &request).await?;
            let body = pages.read(response, PAGE_BYTES_MAX).await?;
            let page: Option<Page> = serde_json::from_slice(&body).ok();
            let listed = page.map(|page| page.tags.unwrap_or_default());
            // What is no tag can neither be asked for nor be shown as it is.
            let listed = listed.filter(|listed| listed.iter().all(|tag| check_tag(tag).is_ok()));
            let listed = listed
                .ok_or_else(|| RegistryError::Answer { url: display_url(&url), what: "list of tags" })?;
            pages.count(&url, listed.len())?;
            tags.extend(listed);
        }
        Ok(tags)
    }
}
