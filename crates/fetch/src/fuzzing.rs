//! The parsers of foreign answers as fuzz targets reach them; built with `--cfg fuzzing` only.

use reqwest::header::{
    CONTENT_RANGE, DATE, HeaderMap, HeaderValue, LINK, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};

/// Reads bytes as the headers of an answer.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let names = [CONTENT_RANGE, DATE, LINK, RANGE, RETRY_AFTER, WWW_AUTHENTICATE];
    let headers = HeaderMap::from_iter(names.map(|name| (name, value.clone())));
    let _ = crate::http::retry_after(&headers);
    crate::registry::read_headers(&headers, value.to_str().unwrap_or_default());
}

/// Reads bytes as the body of an error and as a file with credentials.
pub fn bodies(bytes: &[u8]) {
    crate::registry::read_error(bytes);
    crate::credentials::read_file(bytes);
}
