//! `/keyring/…`: the public keys, for everybody who verifies.
//!
//! `/keyring/1.pub` stays what it is; `/keyring/latest.pub` is the key that signs. The files are read for each
//! request, so a new key is published from the moment that it is made.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::keys::KeyFolder;

/// How long a numbered key may be kept by who asked for it: it never changes.
const NUMBERED: &str = "public, max-age=86400, immutable";
/// The newest key is asked for each time.
const LATEST: &str = "no-cache";

/// Returns the router of the public keys.
pub(super) fn router(keys: Arc<KeyFolder>) -> Router {
    Router::new().route("/keyring/{name}", get(answer)).with_state(keys)
}

async fn answer(State(keys): State<Arc<KeyFolder>>, Path(name): Path<String>) -> Response {
    let read = tokio::task::spawn_blocking(move || read(&keys, &name));
    match read.await.map_err(anyhow::Error::from).and_then(|read| read) {
        Ok(Some((text, caching))) => {
            let headers = [
                (header::CONTENT_TYPE, "application/x-pem-file"),
                (header::CACHE_CONTROL, caching),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, text).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "there is no such key\n").into_response(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "a public key cannot be read");
            (StatusCode::INTERNAL_SERVER_ERROR, "the key cannot be read\n").into_response()
        }
    }
}

/// Returns the key of a name with how long it may be kept.
fn read(keys: &KeyFolder, name: &str) -> Result<Option<(String, &'static str)>, anyhow::Error> {
    let (key, caching) = match name.strip_suffix(".pub") {
        Some("latest") => (keys.latest()?, LATEST),
        Some(digits) => match digits.parse::<u32>() {
            Ok(number) if number.to_string() == digits => (keys.find(number)?, NUMBERED),
            _ => return Ok(None),
        },
        None => return Ok(None),
    };
    Ok(key.map(|key| (key.public.to_pem(), caching)))
}
