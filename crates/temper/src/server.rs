//! The server as an operator sets it up: what is served, to whom, and under which address.

pub(crate) mod accounts;
mod keyring;
mod privacy;
mod reload;
mod settings;
mod token_key;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use temper_registry::{
    Access, AccountsDirectory, Frontage, LocalAccess, PasswordLimits, Passwords, PublicUrl, Registry,
    ServeLimits, Tls, TokenAccess, TokenKey, TokenLimits, Tokens,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::reload::Reload;
pub(crate) use self::settings::{Settings, network};
use crate::embedded::{self, Purpose};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A server that is ready to answer.
pub(crate) struct Server {
    pub(crate) registry: Registry,
    listener: TcpListener,
    address: SocketAddr,
    frontage: Frontage,
    tls: Option<Tls>,
    /// Present where people log in.
    tokens: Option<TokenAccess>,
    reloads: Vec<Reload>,
}

impl Server {
    /// Takes the address before anything long is done, so that a taken port is told at once, and reads every file
    /// that the settings name.
    pub(crate) fn open(
        workspace: &Workspace,
        listen: SocketAddr,
        settings: &Settings,
    ) -> Result<Self, anyhow::Error> {
        let listener = embedded::listen(&workspace.runtime, listen)?;
        let address = listener.local_addr()?;
        let mut reloads = Vec::new();
        let tls = tls(settings, &mut reloads)?;
        let key = || token_key::read_or_make(&workspace.folder);
        let tokens = token_access(settings, key, &mut reloads)?;
        if tokens.is_some() {
            // What is hidden from some in the registry is not for all users of the machine either.
            privacy::restrict(&workspace.folder, privacy::FOLDER_MODE);
        }
        let access: Arc<dyn Access> = match &tokens {
            Some(tokens) => Arc::new(tokens.clone()),
            // Pushing is for this machine alone, and only while it listens nowhere else.
            None => Arc::new(LocalAccess { push_from_loopback: address.ip().is_loopback() }),
        };
        let frontage = Frontage {
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            is_tls: tls.is_some(),
        };
        // Verifiers find the key that will sign before anything is signed.
        workspace.keys.latest_or_first()?;
        let registry = embedded::open(workspace, access, Purpose::Serve)?;
        let server = Self { registry, listener, address, frontage, tls, tokens, reloads };
        server.warn();
        Ok(server)
    }

    /// Returns the address that it listens at.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns host and port with which references to its images begin.
    pub(crate) fn authority(&self) -> String {
        let public = self.frontage.public_url.as_ref().map(|url| url.authority().to_owned());
        public.unwrap_or_else(|| self.address.to_string())
    }

    /// Returns where clients find it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_https() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// Says whether clients use TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.frontage.public_url.as_ref().map_or(self.tls.is_some(), PublicUrl::is_https)
    }

    /// Serves until Ctrl-C or a termination signal.
    pub(crate) fn serve(self, workspace: &Workspace) -> Result<(), anyhow::Error> {
        let collected = self.registry.clone();
        let mut router = temper_registry::router(self.registry);
        if let Some(tokens) = self.tokens {
            router = router.merge(temper_registry::token_router(tokens));
        }
        router = router.merge(keyring::router(Arc::clone(&workspace.keys)));
        let limits = ServeLimits { proxies: self.frontage.trusted_proxies.clone(), ..ServeLimits::default() };
        let router = self.frontage.layer(router);
        workspace.runtime.block_on(async {
            let end = embedded::end()?;
            let reloading = tokio::spawn(reload::run(self.reloads));
            let collecting = tokio::spawn(embedded::collect(collected));
            let listener = self.listener;
            match &self.tls {
                Some(tls) => temper_registry::serve_tls(listener, tls, router, limits, end).await,
                None => temper_registry::serve(listener, router, limits, end).await,
            }
            reloading.abort();
            collecting.abort();
            Ok(())
        })
    }

    /// Tells what is allowed and hardly meant.
    fn warn(&self) {
        let is_open = !self.address.ip().is_loopback();
        if self.tokens.is_some() && is_open && !self.is_https() {
            tracing::warn!(
                "passwords and tokens travel in the clear: set `--tls-cert` and `--tls-key`, or `--public-url` behind a proxy"
            );
        }
    }
}

/// Opens the registry without serving it, under the rules of the accounts file if there is one.
pub(crate) fn open_registry(
    workspace: &Workspace,
    accounts: Option<&Path>,
) -> Result<Registry, anyhow::Error> {
    let accounts = accounts.map(Path::to_path_buf).or_else(|| workspace.server.accounts.clone());
    let settings = Settings { accounts, ..Settings::default() };
    // Nobody gets a token here: a key of the data folder would be made for the user who runs this, not for the server.
    let key = || Ok(TokenKey::generate()?);
    let access: Arc<dyn Access> = match token_access(&settings, key, &mut Vec::new())? {
        Some(tokens) => Arc::new(tokens),
        None => Arc::new(LocalAccess { push_from_loopback: true }),
    };
    embedded::open(workspace, access, Purpose::Tend)
}

fn tls(settings: &Settings, reloads: &mut Vec<Reload>) -> Result<Option<Tls>, anyhow::Error> {
    let Some((certificate, key)) = &settings.tls else { return Ok(None) };
    let failed =
        || format!("certificate `{}` with key `{}` cannot be used", certificate.display(), key.display());
    let files = [certificate.clone(), key.clone()];
    let contents = reload::read_all(&files).with_context(failed).map_err(Failure::configuration)?;
    let tls = Tls::new(&contents[0], &contents[1]).with_context(failed).map_err(Failure::configuration)?;
    let replaced = tls.clone();
    reloads.push(Reload::new("TLS certificate", files.to_vec(), contents, move |contents| {
        Ok(replaced.replace(&contents[0], &contents[1])?)
    }));
    Ok(Some(tls))
}

fn token_access(
    settings: &Settings,
    key: impl FnOnce() -> Result<TokenKey, anyhow::Error>,
    reloads: &mut Vec<Reload>,
) -> Result<Option<TokenAccess>, anyhow::Error> {
    let Some(file) = &settings.accounts else { return Ok(None) };
    let (contents, accounts) = accounts::read(file, Failure::configuration, Failure::configuration)?;
    let (sender, receiver) = watch::channel(Arc::new(accounts));
    reloads.push(Reload::new("accounts file", vec![file.clone()], vec![contents], move |contents| {
        sender.send_replace(Arc::new(accounts::parse(&contents[0])?));
        Ok(())
    }));
    let passwords = Passwords::new(PasswordLimits::default()).context("the system gives no randomness")?;
    let clock: temper_registry::Clock = Arc::new(embedded::now);
    let tokens = Tokens::new(&key()?, Arc::clone(&clock), TokenLimits::default());
    let directory = Arc::new(AccountsDirectory::new(receiver, passwords, clock));
    Ok(Some(TokenAccess::new(directory, tokens)))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn who_only_looks_after_the_registry_makes_no_key() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let (accounts, config) = (folder.path().join("accounts.yaml"), folder.path().join("config.yaml"));
        std::fs::write(&accounts, include_str!("../../../examples/accounts.yaml")).expect("writes");
        std::fs::write(&config, "{}").expect("writes");
        let mut cli = Cli::try_parse_from(["temper", "registry", "check"]).expect("is a command");
        cli.global.data_dir = Some(folder.path().join("data"));
        cli.global.config = Some(config);
        let runtime = tokio::runtime::Runtime::new().expect("starts");
        let workspace = Workspace::open(&cli.global, runtime.handle()).expect("opens");
        open_registry(&workspace, Some(&accounts)).expect("opens");
        let files = std::fs::read_dir(&workspace.folder).expect("lists");
        let names: Vec<_> = files.map(|file| file.expect("lists").file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("token-key")), "{names:?}");
        assert!(names.contains(&"temper.db".into()), "{names:?}");
    }
}
