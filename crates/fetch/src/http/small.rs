//! Small documents by their address.

use bytes::Bytes;
use reqwest::{Client, Url};

use super::{HttpError, display_url, read_body};
use crate::registry::is_this_machine;

/// Fetches a document of at most `limit` bytes, as a public key is. Plain HTTP is for this machine alone.
pub async fn small(client: &Client, address: &str, limit: u64) -> Result<Bytes, HttpError> {
    let url: Url = address.parse().map_err(|_| HttpError::Address(address.to_owned()))?;
    let shown = display_url(&url);
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_this_machine(host) => {}
        ("http", Some(_)) => return Err(HttpError::Plain { url: shown }),
        _ => return Err(HttpError::Address(shown)),
    }
    let sent = client.get(url).send().await;
    let response =
        sent.map_err(|source| HttpError::Request { url: shown.clone(), source: source.without_url() })?;
    if !response.status().is_success() {
        return Err(HttpError::Status { url: shown, status: response.status().as_u16() });
    }
    read_body(response, limit).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpConfig, client};

    #[tokio::test]
    async fn what_is_not_fetched_says_why() {
        let client = client(&HttpConfig::default()).expect("builds");
        for (address, expected) in [
            (
                "registry.example/key.pub",
                "`registry.example/key.pub` is no address that begins with `https://`",
            ),
            ("file:///etc/passwd", "`file:///etc/passwd` is no address that begins with `https://`"),
            (
                "http://registry.example/key.pub",
                "`http://registry.example/key.pub` is not fetched without TLS",
            ),
        ] {
            let error = small(&client, address, 10).await.expect_err("is refused");
            assert_eq!(error.to_string(), expected);
        }
    }
}
