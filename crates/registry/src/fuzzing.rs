//! The parsers of requests as fuzz targets reach them; built with `--cfg fuzzing` only.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::credentials::Credentials;
use crate::blobs::range;
use crate::name::ManifestReference;
use crate::route::Route;
use crate::token::scope::Scope;
use crate::uploads::append::content_range;

/// Reads a text as everything that a request may hold.
pub fn request(text: &str) {
    if let Ok(Route::Manifest(name, reference)) = Route::parse(text) {
        assert_eq!(format!("{name}/manifests/{reference}"), text);
        assert!(!name.as_str().contains(".."), "{name} leads elsewhere");
    }
    if let Some(ManifestReference::Tag(tag)) = ManifestReference::parse(text) {
        assert!(!tag.contains('/') && !tag.starts_with('.'), "{tag} is no file name");
    }
    for size_bytes in [0, 1, 1000, u64::MAX] {
        if let range::Wanted::Part(part) = range::wanted(Some(text), size_bytes) {
            assert!(part.start < part.end && part.end <= size_bytes, "{part:?} of {size_bytes}");
        }
    }
    if let Ok(value) = HeaderValue::from_str(text) {
        let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value)]);
        if let Ok(Some((first, last))) = content_range(&headers) {
            assert!(first <= last, "{text}");
        }
    }
    let _ = (Credentials::parse(text), Scope::parse_all([text]));
}
