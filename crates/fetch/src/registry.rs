//! The registry client: pulls and pushes by the [OCI distribution specification], verifying while reading.
//!
//! Every request goes through one door (`transport`) that adds credentials, follows redirects without giving
//! them away, and repeats what failed in passing. Bytes are compared with their digests before anybody may rely
//! on them.
//!
//! [OCI distribution specification]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md

mod auth;
mod blobs;
mod challenge;
mod endpoint;
mod error;
mod known;
mod manifests;
mod options;
mod pages;
mod referrers;
mod tags;
mod token;
mod transport;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Client;

use self::auth::Tokens;
use self::endpoint::Endpoint;
use self::known::Known;
use crate::credentials::Credentials;
use crate::http::{self, HttpConfig, HttpError};

pub(crate) use self::endpoint::is_this_machine;

pub use self::blobs::BlobStream;
pub use self::error::{Refusal, RegistryError};
pub use self::manifests::{FetchedManifest, ManifestHead};
pub use self::options::RegistryOptions;
pub use self::upload::Pushed;

/// A client of any number of registries; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    http: Client,
    /// Clients of registries with certificate authorities of their own.
    http_of: Arc<BTreeMap<String, Client>>,
    credentials: Credentials,
    tokens: Arc<Tokens>,
    known: Arc<Known>,
    options: Arc<RegistryOptions>,
}

impl RegistryClient {
    /// Makes a client. Redirects are followed by the registry client itself, whatever `config` says.
    pub fn new(
        config: &HttpConfig,
        credentials: Credentials,
        options: RegistryOptions,
    ) -> Result<Self, HttpError> {
        let config = HttpConfig { redirects_max: 0, ..config.clone() };
        let http = http::client(&config)?;
        let mut http_of = BTreeMap::new();
        for (registry, authorities) in &options.certificate_authorities {
            let mut config = config.clone();
            config.root_certificates.extend(authorities.iter().cloned());
            http_of.insert(registry.clone(), http::client(&config)?);
        }
        let (tokens, known) = (Arc::default(), Arc::default());
        Ok(Self { http, http_of: http_of.into(), credentials, tokens, known, options: options.into() })
    }

    /// Returns the HTTP client for a registry and what it leads to.
    fn http(&self, endpoint: &Endpoint) -> &Client {
        self.http_of.get(&endpoint.registry).unwrap_or(&self.http)
    }
}

/// Reads headers of an answer in all the ways of this client, `text` as an address that they name.
#[cfg(fuzzing)]
pub(crate) fn read_headers(headers: &reqwest::header::HeaderMap, text: &str) {
    let own = ["repository:a/b:pull,push".to_owned()];
    let _ = (challenge::read(headers), challenge::further_scopes(headers, &own));
    let reference = "registry.example/a/b:1".parse().expect("is a reference");
    let endpoint = Endpoint::new(&reference, &RegistryOptions::default()).expect("has an address");
    let from = endpoint.url("tags/list");
    let next = pages::next_link(&endpoint, &from, headers).ok().flatten();
    for url in endpoint.join(&from, text).ok().into_iter().chain(next) {
        assert_eq!(url.scheme(), "https", "{text} leads out of TLS");
    }
    let _ = (blobs::first_byte(headers), upload::pieces::received(headers));
}

/// Reads the body of an error.
#[cfg(fuzzing)]
pub(crate) fn read_error(body: &[u8]) {
    let _ = transport::reason(body);
}
