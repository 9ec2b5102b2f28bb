//! `PUT /v2/<name>/manifests/<reference>`.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use temper_oci::reference::check_tag;

use super::publish::{ManifestPush, Push, publish};
use crate::body::read_all;
use crate::error::RegistryError;
use crate::events::Author;
use crate::headers::{CONTENT_DIGEST, SUBJECT, TAG, value};
use crate::name::{ManifestReference, RepositoryName};
use crate::registry::Registry;

/// A parameter of the query.
type Parameter = (String, String);

/// Takes a manifest whose blobs, or for an index whose manifests, the repository has.
///
/// See the distribution specification,
/// [end-7](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests), and for `OCI-Subject`
/// [Pushing Manifests with Subject](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject).
/// The parameters `tag` and the header `OCI-Tag` are of the specification's version to come.
pub(crate) async fn put(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    (reference, query): (&str, Vec<Parameter>),
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RegistryError> {
    let reference = ManifestReference::parse(reference)
        .ok_or_else(|| RegistryError::ManifestInvalid(format!("`{reference}` is neither tag nor digest")))?;
    let limits = registry.limits();
    let bytes = read_all(body, "manifest", limits.manifest_bytes_max, limits.body_patience()).await?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (digest, tags) = match reference {
        ManifestReference::Digest(digest) => (Some(digest), tags(query, limits.tags_per_push_max)?),
        ManifestReference::Tag(tag) => (None, vec![tag]),
    };
    let kept = tags.clone();
    let manifest = ManifestPush { bytes, media_type: media_type.map(str::to_owned), digest, tags };
    let push = Push { manifests: vec![manifest] };
    let records = publish(registry, repository, author, push).await?;
    let record = records.first().expect("one manifest was pushed, one is kept");
    let answer = [
        (header::LOCATION, format!("/v2/{repository}/manifests/{}", record.digest)),
        (CONTENT_DIGEST, record.digest.to_string()),
    ];
    let mut response = (StatusCode::CREATED, answer).into_response();
    if let Some(subject) = record.subject {
        response.headers_mut().insert(SUBJECT, value(&subject.to_string()));
    }
    if digest.is_some() {
        response.headers_mut().extend(kept.iter().map(|tag| (TAG, value(tag))));
    }
    Ok(response)
}

/// Reads the parameters `tag`, by which one request pushes a manifest of any digest algorithm with all its tags.
fn tags(query: Vec<Parameter>, tags_max: usize) -> Result<Vec<String>, RegistryError> {
    let tags: Vec<String> = query.into_iter().filter(|(name, _)| name == "tag").map(|(_, tag)| tag).collect();
    if tags.len() > tags_max {
        return Err(RegistryError::TooManyTags(tags_max));
    }
    match tags.iter().find(|tag| check_tag(tag).is_err()) {
        Some(tag) => Err(RegistryError::ManifestInvalid(format!("`{tag}` is not a tag"))),
        None => Ok(tags),
    }
}
