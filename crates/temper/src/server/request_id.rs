//! Ids of requests: in the answer, and in every line of the log that a request leads to.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use temper_hub::Random;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a client or a proxy, in characters.
const LENGTH_MAX: usize = 64;

/// Gives every request of a router an id: the one that a proxy gave it already, or a new one.
pub(crate) fn layer(router: Router, random: Random) -> Router {
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let id = given(&request).unwrap_or_else(|| format!("{:032x}", u128::from_be_bytes(random())));
        let span = tracing::info_span!("request", request.id = %id, request.method = %request.method());
        async move {
            let mut response = next.run(request).await;
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            response
        }
        .instrument(span)
    }))
}

/// Returns the id that a request has, where it is a plain word.
fn given(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_word = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_word && (1..=LENGTH_MAX).contains(&id.len())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_plain_words_are_taken_over() {
        for (id, expected) in
            [("0af7-x_1.2", true), ("", false), ("a b", false), (&"a".repeat(65), false), ("a\"b", false)]
        {
            let request =
                Request::builder().header(REQUEST_ID, id).body(Body::empty()).expect("is a request");
            assert_eq!(given(&request).is_some(), expected, "{id}");
        }
    }
}
