//! HTTP clients: the one place that builds them, with time-outs, limits and certificates.
//!
//! Archives and registries share these settings, so that a proxy, a private certificate authority or a
//! slow line is configured once. Proxies come from the usual environment variables (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `NO_PROXY`), roots from the platform's certificate store and [`HttpConfig::root_certificates`].

mod retry;
mod small;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, Response, Url};

pub use self::retry::{Backoff, is_transient_error, is_transient_status, retry_after};
pub use self::small::small;

/// How clients connect. The default suits archives and registries on the open network.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// Longest wait for a connection with its TLS handshake.
    pub connect_timeout: Duration,
    /// Longest silence while a response arrives; there is no limit on a whole transfer.
    pub read_timeout: Duration,
    /// Most redirects that one request follows; 0 returns the redirect itself.
    pub redirects_max: usize,
    /// PEM bundles of further root certificates, on top of the platform's.
    pub root_certificates: Vec<Vec<u8>>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            user_agent: concat!("temper/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_mins(1),
            redirects_max: 5,
            root_certificates: Vec::new(),
        }
    }
}

/// Why a client cannot be made, or a body cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A configured bundle is not PEM.
    #[error("root certificates of bundle {number} cannot be read")]
    RootCertificates {
        /// Position in [`HttpConfig::root_certificates`], from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// The TLS set-up failed, for example because the platform has no certificate store.
    #[error("HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The response is longer than its reader allows.
    #[error("response of `{url}` is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for, without credentials.
        url: String,
        /// The most bytes that were allowed.
        limit: u64,
    },
    /// What should be an address is none.
    #[error("`{0}` is no address that begins with `https://`")]
    Address(String),
    /// Without TLS anybody on the way may change what is fetched.
    #[error("`{url}` is not fetched without TLS")]
    Plain {
        /// What was asked for.
        url: String,
    },
    /// There was no answer.
    #[error("`{url}` cannot be fetched")]
    Request {
        /// What was asked for, without credentials.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The server has something else to say.
    #[error("`{url}` cannot be fetched: the server answers {status}")]
    Status {
        /// What was asked for, without credentials.
        url: String,
        /// The answer's code.
        status: u16,
    },
    /// The connection broke while the body arrived.
    #[error("response of `{url}` broke off")]
    Body {
        /// What was asked for, without credentials.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
}

impl HttpError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::RootCertificates { .. } => {
                Some("give a file with `-----BEGIN CERTIFICATE-----` blocks".to_owned())
            }
            Self::Client(_) => Some("install the system's CA certificates (`ca-certificates`)".to_owned()),
            Self::Plain { .. } => Some(
                "plain HTTP is for this machine alone; fetch it by `https://`, or name a file".to_owned(),
            ),
            Self::Address(_)
            | Self::Request { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Body { .. } => None,
        }
    }
}

/// Builds a client; callers keep and clone it, since it holds the connection pool.
pub fn client(config: &HttpConfig) -> Result<Client, HttpError> {
    builder(config)?.build().map_err(HttpError::Client)
}

/// Begins a client that has more to be said about it.
pub(crate) fn builder(config: &HttpConfig) -> Result<ClientBuilder, HttpError> {
    let mut roots = Vec::new();
    for (index, bundle) in config.root_certificates.iter().enumerate() {
        let number = index + 1;
        let certificates = Certificate::from_pem_bundle(bundle)
            .map_err(|source| HttpError::RootCertificates { number, source })?;
        roots.extend(certificates);
    }
    let mut builder = Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout)
        .redirect(redirect_policy(config.redirects_max))
        .referer(false);
    if !roots.is_empty() {
        builder = builder.tls_certs_merge(roots);
    }
    Ok(builder)
}

/// Follows up to `most` redirects, never from HTTPS to plain HTTP.
fn redirect_policy(most: usize) -> Policy {
    if most == 0 {
        return Policy::none();
    }
    Policy::custom(move |attempt: Attempt<'_>| {
        let downgrade = attempt.url().scheme() != "https"
            && attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
        if downgrade {
            attempt.error("redirect leaves HTTPS")
        } else if attempt.previous().len() > most {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    })
}

/// Reads a whole body of at most `limit` bytes.
pub async fn read_body(mut response: Response, limit: u64) -> Result<Bytes, HttpError> {
    let url = display_url(response.url());
    let announced = response.content_length().unwrap_or(0);
    if announced > limit {
        return Err(HttpError::TooLarge { url, limit });
    }
    let mut body = BytesMut::with_capacity(announced as usize);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if (body.len() + chunk.len()) as u64 > limit => {
                return Err(HttpError::TooLarge { url, limit });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(source) => return Err(HttpError::Body { url, source: source.without_url() }),
        }
    }
}

/// Writes a URL for messages and logs: without user, password, query (which may be signed) and fragment.
pub fn display_url(url: &Url) -> String {
    let mut url = url.clone();
    // Both setters fail only for URLs that cannot hold credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_no_secrets() {
        let url = Url::parse("https://user:pass@mirror.example/pool/a.deb?signature=s#f").expect("parses");
        assert_eq!(display_url(&url), "https://mirror.example/pool/a.deb");
    }

    #[test]
    fn a_bundle_that_is_not_pem_is_named() {
        let config = HttpConfig {
            root_certificates: vec![b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n".to_vec()],
            ..HttpConfig::default()
        };
        let error = client(&config).expect_err("refused");
        assert_eq!(error.to_string(), "root certificates of bundle 1 cannot be read");
        assert!(error.hint().is_some());
    }

    #[test]
    fn the_default_makes_a_client() {
        client(&HttpConfig::default()).expect("builds");
    }
}
