//! Requests to an archive: addresses below it, and patience.

use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode, Url};

use crate::http::{Backoff, HttpError, display_url, is_transient_error, is_transient_status, retry_after};

use super::ArchiveError;

/// Returns the address of a path below an archive; the path comes from outside and must stay below.
pub(super) fn below(uri: &str, path: &str) -> Result<Url, ArchiveError> {
    let address =
        || ArchiveError::Address { address: uri.split('@').next_back().unwrap_or_default().to_owned() };
    let mut url = Url::parse(uri).map_err(|_| address())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(address());
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..") || part.contains('\\')) {
        return Err(ArchiveError::Path { path: path.to_owned() });
    }
    url.path_segments_mut().map_err(|()| address())?.pop_if_empty().extend(path.split('/'));
    Ok(url)
}

/// Sends one request and takes success, or one of the other statuses that the caller knows, for an answer.
pub(super) async fn get(
    client: &Client,
    url: &Url,
    headers: HeaderMap,
    known: &[StatusCode],
) -> Result<Response, ArchiveError> {
    let response = client.get(url.clone()).headers(headers).send().await;
    let response = response
        .map_err(|source| ArchiveError::Request { url: display_url(url), source: source.without_url() })?;
    let status = response.status();
    if status == StatusCode::OK || known.contains(&status) {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    Err(ArchiveError::Status { url: display_url(url), status: status.as_u16(), retry_after })
}

/// The failures of one request so far.
pub(super) struct Attempts<'a> {
    backoff: &'a Backoff,
    failed: u32,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(backoff: &'a Backoff) -> Self {
        Self { backoff, failed: 0 }
    }

    /// Waits until the request may be repeated, or gives the error back if that would be no use.
    pub(super) async fn after(&mut self, error: ArchiveError) -> Result<(), ArchiveError> {
        let wish = match &error {
            ArchiveError::Request { source, .. } if is_transient_error(source) => None,
            ArchiveError::Body(HttpError::Body { .. }) => None,
            ArchiveError::Status { status, retry_after, .. }
                if StatusCode::from_u16(*status).is_ok_and(is_transient_status) =>
            {
                *retry_after
            }
            _ => return Err(error),
        };
        self.failed += 1;
        let Some(delay) = self.backoff.delay(self.failed, wish) else { return Err(error) };
        tracing::debug!(attempt = self.failed, delay_ms = delay.as_millis(), %error, "request is repeated");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_archive() {
        let check = |uri: &str, path: &str, expected: Result<&str, &str>| {
            let found = below(uri, path).map(String::from).map_err(|error| error.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{uri} {path}");
        };
        let pool = "pool/main/g/g++/g++_4%3a1~2+b1_amd64.deb";
        check(
            "http://m.example/debian/",
            "dists/sid/InRelease",
            Ok("http://m.example/debian/dists/sid/InRelease"),
        );
        check(
            "https://m.example/debian",
            pool,
            Ok("https://m.example/debian/pool/main/g/g++/g++_4%253a1~2+b1_amd64.deb"),
        );
        check("https://m.example", "a?b#c", Ok("https://m.example/a%3Fb%23c"));
        for path in ["../x", "a//b", "/etc/passwd", "", "a/./b", "a\\..\\b"] {
            check("https://m.example", path, Err(&format!("`{path}` is not a path below an archive")));
        }
        check("file:///srv/debian", "a", Err("`file:///srv/debian` is not the address of an archive"));
        check("ftp://user:pass@m.example/x", "a", Err("`m.example/x` is not the address of an archive"));
    }
}
