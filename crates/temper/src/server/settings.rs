//! Settings of the server: options first, then the configuration file.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use ipnet::IpNet;
use temper_registry::PublicUrl;

use crate::cli;
use crate::config::ServerConfig;
use crate::failure::Failure;

/// How the server meets its clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) public_url: Option<PublicUrl>,
    /// Files with certificate and key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) accounts: Option<PathBuf>,
    /// Whether nobody logs in: everybody pulls, and this machine pushes.
    pub(crate) anonymous: bool,
    /// Whether the user `admin` gets a new password.
    pub(crate) reset_admin: bool,
}

impl Settings {
    /// Joins options and configuration; an option wins over the key of the same name.
    pub(crate) fn new(options: &cli::Front, config: &ServerConfig) -> Result<Self, anyhow::Error> {
        let configured_url = config.public_url.as_deref().map(str::parse).transpose();
        let configured_url =
            configured_url.context("`server.public-url` is wrong").map_err(Failure::configuration)?;
        let networks = config.trusted_proxies.iter().map(|text| network(text));
        let networks: Vec<IpNet> = networks
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow!("`server.trusted-proxies` is wrong: {error}"))
            .map_err(Failure::configuration)?;
        let tls_cert = options.tls_cert.clone().or_else(|| config.tls_cert.clone());
        let tls_key = options.tls_key.clone().or_else(|| config.tls_key.clone());
        let tls = match (tls_cert, tls_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => return Err(half("certificate", "key", "--tls-key")),
            (None, Some(_)) => return Err(half("key", "certificate", "--tls-cert")),
        };
        // An option wins over what the configuration says of the same thing, under whichever name.
        let accounts = match (&options.accounts, options.anonymous) {
            (None, false) => config.accounts.clone(),
            (accounts, _) => accounts.clone(),
        };
        let anonymous = options.anonymous || (config.anonymous && options.accounts.is_none());
        if anonymous && accounts.is_some() {
            let error = anyhow!("`server.anonymous` and `server.accounts` cannot both be set");
            return Err(Failure::configuration(error).hint("leave one of them out").into());
        }
        Ok(Self {
            public_url: options.public_url.clone().or(configured_url),
            tls,
            trusted_proxies: if options.trusted_proxies.is_empty() {
                networks
            } else {
                options.trusted_proxies.clone()
            },
            accounts,
            anonymous,
            reset_admin: false,
        })
    }

    /// Lets nobody log in where no accounts file says who does.
    pub(crate) fn for_one_machine(self) -> Self {
        Self { anonymous: self.accounts.is_none(), ..self }
    }
}

fn half(given: &str, missing: &str, option: &str) -> anyhow::Error {
    Failure::configuration(anyhow!("there is a TLS {given} and no {missing}"))
        .hint(format!("name its file with `{option} FILE`"))
        .into()
}

/// Reads a network, or a single address as one.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse()
        .ok()
        .or_else(address)
        .ok_or_else(|| format!("`{text}` is neither a network such as `10.0.0.0/8` nor an address"))
}
