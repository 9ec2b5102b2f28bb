//! Lists that come in pages: where they go on, and when they are too long.
//!
//! A registry decides how many pages there are, so everything that grows with their number is bounded.

use std::collections::BTreeSet;

use bytes::Bytes;
use reqwest::header::{HeaderMap, LINK};
use reqwest::{Response, Url};
use temper_oci::Digest;

use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::options::RegistryOptions;
use crate::http::{HttpError, display_url, read_body};

/// A list that is being read.
pub(super) struct Pages<'a> {
    endpoint: &'a Endpoint,
    options: &'a RegistryOptions,
    next: Option<Url>,
    /// Digests of the addresses that were read: addresses themselves may be long.
    seen: BTreeSet<Digest>,
    bytes: u64,
    entries: usize,
}

impl<'a> Pages<'a> {
    /// Begins a list at its first page.
    pub(super) fn new(endpoint: &'a Endpoint, options: &'a RegistryOptions, first: Url) -> Self {
        Self { endpoint, options, next: Some(first), seen: BTreeSet::new(), bytes: 0, entries: 0 }
    }

    /// Says whether no page was read yet.
    pub(super) fn is_at_first(&self) -> bool {
        self.seen.len() <= 1
    }

    /// Returns the address of the next page, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Url>, RegistryError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        if !self.seen.insert(Digest::of(url.as_str())) {
            return Err(RegistryError::ListCircle { url: display_url(&url) });
        }
        if self.seen.len() > self.options.list_pages_max {
            return Err(too_long(&url, self.options.list_pages_max as u64, "pages"));
        }
        Ok(Some(url))
    }

    /// Reads a page of at most `page_bytes_max`, and notes where the list goes on.
    pub(super) async fn read(
        &mut self,
        response: Response,
        page_bytes_max: u64,
    ) -> Result<Bytes, RegistryError> {
        let url = response.url().clone();
        self.next = next_link(self.endpoint, &url, response.headers())?;
        let left = self.options.list_bytes_max - self.bytes;
        let bytes = match read_body(response, page_bytes_max.min(left)).await {
            Err(HttpError::TooLarge { .. }) if left < page_bytes_max => {
                return Err(too_long(&url, self.options.list_bytes_max, "bytes"));
            }
            read => read?,
        };
        self.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    /// Counts the entries of a page.
    pub(super) fn count(&mut self, url: &Url, entries: usize) -> Result<(), RegistryError> {
        self.entries += entries;
        if self.entries > self.options.list_entries_max {
            return Err(too_long(url, self.options.list_entries_max as u64, "entries"));
        }
        Ok(())
    }
}

fn too_long(url: &Url, limit: u64, unit: &'static str) -> RegistryError {
    RegistryError::List { url: display_url(url), limit, unit }
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
