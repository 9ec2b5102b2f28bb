//! Lists in pages: `?n=…&last=…` and the header `Link`.
//!
//! See the distribution specification,
//! [Listing Tags](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags).

use std::fmt::Write as _;

use axum::http::{HeaderValue, header};
use axum::response::Response;

/// Cuts a list that was read with one entry more than a page has; says whether there was one.
pub(crate) fn cut<T>(entries: &mut Vec<T>, page: u32) -> bool {
    let more = entries.len() > page as usize;
    entries.truncate(page as usize);
    more
}

/// Adds the address of the next page: `path` with these parameters.
pub(crate) fn add_next_link(response: &mut Response, path: &str, parameters: &[(&str, &str)]) {
    let mut link = format!("<{path}");
    for (index, (name, value)) in parameters.iter().enumerate() {
        link.push(if index == 0 { '?' } else { '&' });
        link.push_str(name);
        link.push('=');
        push_encoded(&mut link, value);
    }
    link.push_str(">; rel=\"next\"");
    if let Ok(value) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, value);
    }
}

/// Percent-encodes everything but unreserved characters, [RFC 3986 §2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3).
fn push_encoded(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("text takes everything");
        }
    }
}
