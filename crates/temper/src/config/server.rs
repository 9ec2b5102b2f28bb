//! How the server meets its clients: public address, TLS, proxies, accounts.

use std::path::PathBuf;

use serde::Deserialize;

/// What `temper serve` takes where no option says otherwise.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct ServerConfig {
    /// The address by which clients know the server, `https://registry.example.org`.
    pub(crate) public_url: Option<String>,
    /// File with the server's certificate and those between it and its authority, PEM. Read again when it changes.
    pub(crate) tls_cert: Option<PathBuf>,
    /// File with the key of the certificate, PEM. Read again when it changes.
    pub(crate) tls_key: Option<PathBuf>,
    /// Networks of proxies whose word on clients is taken, `10.0.0.0/8`: `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    pub(crate) trusted_proxies: Vec<String>,
    /// Accounts file, in place of the users, organizations and teams that the server keeps. Read again when it changes.
    pub(crate) accounts: Option<PathBuf>,
    /// Whether nobody logs in: everybody who reaches the server pulls, and its own machine pushes.
    pub(crate) anonymous: bool,
    /// Folder of definitions that mirrors are built from, in place of the catalog that ships with Temper.
    pub(crate) catalog: Option<PathBuf>,
    /// Networks that webhooks may reach beside public addresses, `10.20.0.0/16`.
    pub(crate) webhook_networks: Vec<String>,
}
