//! What the hub reaches beyond its own registry: catalogs, upstream registries, addresses of webhooks.

use std::sync::Arc;
use std::time::Duration;

use temper_fetch::courier::Courier;
use temper_fetch::credentials::Credentials;
use temper_fetch::http::{HttpConfig, HttpError};
use temper_fetch::registry::{RegistryClient, RegistryOptions};

use crate::catalogs::Catalog;

/// How often upstream registries are looked at, where a mirror does not say.
const MIRROR_INTERVAL: Duration = Duration::from_mins(15);

/// How often package archives are looked at.
const ARCHIVE_INTERVAL: Duration = Duration::from_mins(15);

/// What the hub reaches beyond its own registry.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The definitions that it builds.
    pub catalog: Arc<Catalog>,
    /// Upstream registries, with the credentials of the server.
    pub registries: RegistryClient,
    /// Who tells webhooks.
    pub courier: Courier,
    /// How often upstream registries are looked at, where a mirror does not say.
    pub mirror_interval: Duration,
    /// How often package archives are looked at.
    pub archive_interval: Duration,
}

impl Outside {
    /// Reaches out with these clients, at the usual intervals.
    pub fn new(catalog: Catalog, registries: RegistryClient, courier: Courier) -> Self {
        let (mirror_interval, archive_interval) = (MIRROR_INTERVAL, ARCHIVE_INTERVAL);
        Self { catalog: Arc::new(catalog), registries, courier, mirror_interval, archive_interval }
    }

    /// Reaches out without credentials and settings, to public addresses alone, with the catalog of Temper.
    pub fn anonymous() -> Result<Self, HttpError> {
        let http = HttpConfig::default();
        let registries = RegistryClient::new(&http, Credentials::anonymous(), RegistryOptions::default())?;
        Ok(Self::new(Catalog::embedded(), registries, Courier::new(&http, Vec::new())?))
    }
}
