//! `GET /v2/_catalog`: the repositories that the caller may pull from.
//!
//! Not of the specification any more; `crane catalog` and web pages of registries ask for it.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::paging::add_next_link;
use crate::registry::Registry;
use crate::router::Caller;

/// What the query may say.
#[derive(Debug, Deserialize)]
pub(crate) struct CatalogQuery {
    /// Most repositories of the answer.
    n: Option<u32>,
    /// The repository after which the list goes on.
    last: Option<String>,
}

/// Lists repositories in lexical order, in pages. Those that the caller may not pull from are passed over, and none
/// of them is named as the end of a page.
///
/// See [Listing Repositories](https://distribution.github.io/distribution/spec/api/#listing-repositories).
pub(crate) async fn list(
    registry: &Registry,
    caller: &Caller,
    query: CatalogQuery,
) -> Result<Response, RegistryError> {
    let page_max = registry.limits().catalog_page_max;
    let page = query.n.filter(|count| *count > 0).unwrap_or(page_max).min(page_max);
    let mut shown: Vec<String> = Vec::new();
    let mut last = query.last;
    while shown.len() < page as usize {
        let names = registry.repositories().list(last.as_deref(), page_max).await?;
        let is_end = names.len() < page_max as usize;
        last = names.last().cloned();
        let names = names.iter().filter_map(|name| RepositoryName::parse(name)).collect();
        let room = page as usize - shown.len();
        let seen = caller.list(registry, names).await?;
        shown.extend(seen.into_iter().take(room).map(|name| name.as_str().to_owned()));
        if is_end {
            break;
        }
    }
    let next = shown.last().filter(|_| shown.len() == page as usize).cloned();
    let mut response = Json(json!({ "repositories": shown })).into_response();
    if let Some(next) = next {
        add_next_link(&mut response, "/v2/_catalog", &[("n", &page.to_string()), ("last", &next)]);
    }
    Ok(response)
}
