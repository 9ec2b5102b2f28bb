//! Tag lists, page by page.

use reqwest::header::{HeaderMap, LINK};
use reqwest::{Method, Response, Url};
use serde::Deserialize;
use temper_oci::Reference;

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::Request;
use crate::http::{display_url, read_body};

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
        let limit = self.options.list_entries_max;
        let mut tags = Vec::new();
        let mut next = Some(endpoint.url("tags/list"));
        let mut pages = 0;
        while let Some(url) = next {
            let shown = display_url(&url);
            let request = Request::new(Method::GET, url, endpoint.scope("pull"));
            let response = self.send(&endpoint, &request).await?;
            next = next_page(&endpoint, &response)?;
            let body = read_body(response, PAGE_BYTES_MAX).await?;
            let page: Page = serde_json::from_slice(&body)
                .map_err(|_| RegistryError::Answer { url: shown.clone(), what: "list of tags" })?;
            tags.extend(page.tags.unwrap_or_default());
            pages += 1;
            if tags.len() > limit || pages > limit {
                return Err(RegistryError::List { url: shown, limit });
            }
        }
        Ok(tags)
    }
}

/// Returns the address of the next page.
pub(super) fn next_page(endpoint: &Endpoint, response: &Response) -> Result<Option<Url>, RegistryError> {
    next_link(endpoint, response.url(), response.headers())
}

/// Reads the header `Link`, [RFC 8288](https://www.rfc-editor.org/rfc/rfc8288#section-3).
pub(super) fn next_link(
    endpoint: &Endpoint,
    from: &Url,
    headers: &HeaderMap,
) -> Result<Option<Url>, RegistryError> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.flat_map(|links| links.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next =
            parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(target)
    });
    next.map(|target| endpoint.join(from, target)).transpose()
}
