//! `GET /v2/<name>/referrers/<digest>`.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use temper_oci::index::Index;
use temper_oci::media_type::OCI_INDEX;
use temper_oci::{Descriptor, Digest};
use temper_store::records::ManifestRecord;

use crate::error::RegistryError;
use crate::headers::{FILTERS_APPLIED, value};
use crate::name::RepositoryName;
use crate::paging::{add_next_link, cut};
use crate::registry::Registry;

/// What the query may say.
#[derive(Debug, Deserialize)]
pub(crate) struct ReferrersQuery {
    /// The one type to list.
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
    /// Most referrers of the answer.
    n: Option<u32>,
    /// The digest after which the list goes on.
    last: Option<String>,
}

/// Lists the manifests that refer to a manifest, which need not exist, as an index.
///
/// See the distribution specification,
/// [end-12a, end-12b](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
pub(crate) async fn list(
    registry: &Registry,
    repository: &RepositoryName,
    subject: Digest,
    query: ReferrersQuery,
) -> Result<Response, RegistryError> {
    let page_max = registry.limits().referrers_page_max;
    let page = query.n.filter(|count| *count > 0).unwrap_or(page_max).min(page_max);
    let last: Option<Digest> = query.last.as_deref().map(str::parse).transpose()?;
    let artifact_type = query.artifact_type.as_deref();
    let repositories = registry.repositories();
    let mut referrers =
        repositories.list_referrers(repository.as_str(), subject, artifact_type, last, page + 1).await?;
    let more = cut(&mut referrers, page);
    let mut shown: Vec<_> = referrers.into_iter().map(descriptor).collect();
    let fit = count_that_fit(&shown, registry.limits().referrers_bytes_max);
    let more = more || fit < shown.len();
    shown.truncate(fit);
    let next = shown.last().filter(|_| more).map(|descriptor| descriptor.digest.to_string());
    let index = Index::of(shown);
    let mut response = ([(header::CONTENT_TYPE, OCI_INDEX)], index.to_bytes()).into_response();
    if artifact_type.is_some() {
        response.headers_mut().insert(FILTERS_APPLIED, value("artifactType"));
    }
    if let Some(next) = next {
        let page = page.to_string();
        let mut parameters = vec![("n", page.as_str()), ("last", next.as_str())];
        parameters.extend(artifact_type.map(|artifact_type| ("artifactType", artifact_type)));
        add_next_link(&mut response, &format!("/v2/{repository}/referrers/{subject}"), &parameters);
    }
    Ok(response)
}

/// Says how many of the descriptors, and at least one, are together not longer than `bytes_max` as JSON.
fn count_that_fit(descriptors: &[Descriptor], bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |descriptor: &&Descriptor| {
        bytes += serde_json::to_vec(descriptor).expect("a descriptor is JSON").len() + 1;
        bytes <= bytes_max
    };
    descriptors.iter().take_while(fits).count().max(1).min(descriptors.len())
}

fn descriptor(record: ManifestRecord) -> Descriptor {
    Descriptor {
        artifact_type: record.artifact_type,
        annotations: record.annotations,
        ..Descriptor::new(&record.media_type, record.digest, record.size_bytes)
    }
}
