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
mod manifests;
mod options;
mod referrers;
mod tags;
mod transport;
mod upload;

use std::sync::Arc;

use reqwest::Client;

use self::auth::Tokens;
use crate::credentials::Credentials;
use crate::http::{self, HttpConfig, HttpError};

pub use self::blobs::BlobStream;
pub use self::error::{Refusal, RegistryError};
pub use self::manifests::{FetchedManifest, ManifestHead};
pub use self::options::RegistryOptions;
pub use self::upload::Pushed;

/// A client of any number of registries; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    http: Client,
    credentials: Credentials,
    tokens: Arc<Tokens>,
    options: Arc<RegistryOptions>,
}

impl RegistryClient {
    /// Makes a client. Redirects are followed by the registry client itself, whatever `config` says.
    pub fn new(
        config: &HttpConfig,
        credentials: Credentials,
        options: RegistryOptions,
    ) -> Result<Self, HttpError> {
        let http = http::client(&HttpConfig { redirects_max: 0, ..config.clone() })?;
        Ok(Self { http, credentials, tokens: Arc::default(), options: Arc::new(options) })
    }
}
