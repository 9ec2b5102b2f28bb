//! `GET /v2/<name>/tags/list`.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use crate::error::RegistryError;
use crate::name::RepositoryName;
use crate::paging::{add_next_link, cut};
use crate::registry::Registry;

/// What the query may say.
#[derive(Debug, Deserialize)]
pub(crate) struct TagsQuery {
    /// Most tags of the answer.
    n: Option<u32>,
    /// The tag after which the list goes on.
    last: Option<String>,
}

/// Lists tags in lexical order, in pages.
///
/// See the distribution specification,
/// [end-8a, end-8b](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags).
pub(crate) async fn list(
    registry: &Registry,
    repository: &RepositoryName,
    query: TagsQuery,
) -> Result<Response, RegistryError> {
    let page_max = registry.limits().tags_page_max;
    let page = query.n.unwrap_or(page_max).min(page_max);
    let repositories = registry.repositories();
    let mut tags = repositories.list_tags(repository.as_str(), query.last.as_deref(), page + 1).await?;
    if tags.is_empty() && !repositories.exists(repository.as_str()).await? {
        return Err(RegistryError::NameUnknown(repository.clone()));
    }
    let more = cut(&mut tags, page);
    let mut response = Json(json!({ "name": repository.as_str(), "tags": tags })).into_response();
    if let (true, Some(last)) = (more, tags.last()) {
        let path = format!("/v2/{repository}/tags/list");
        add_next_link(&mut response, &path, &[("n", &page.to_string()), ("last", last)]);
    }
    Ok(response)
}
