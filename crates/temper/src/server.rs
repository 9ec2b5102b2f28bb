//! The server as an operator sets it up: what is served, to whom, and under which address.

pub(crate) mod accounts;
mod agreement;
mod api;
mod directory;
mod health;
mod hub;
mod images;
mod keyring;
mod metrics;
mod people;
mod privacy;
mod reload;
mod request_id;
mod secrets;
mod settings;
pub(crate) mod token_key;
mod watching;
mod work;

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::SecretString;
use temper_hub::Hub;
use temper_registry::{
    Access, Frontage, LocalAccess, PublicUrl, Registry, ServeLimits, Tls, TokenAccess, TokenKey,
};
use temper_store::records::Records;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use self::health::Health;
use self::metrics::Metrics;
use self::people::People;
use self::reload::Reload;
pub(crate) use self::settings::{Settings, network};
use crate::cli::{Operation, ServerRole};
use crate::database;
use crate::embedded::{self, Purpose};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A server that is ready to answer.
pub(crate) struct Server {
    pub(crate) registry: Registry,
    records: Records,
    listener: TcpListener,
    address: SocketAddr,
    frontage: Frontage,
    tls: Option<Tls>,
    /// Present where people log in.
    tokens: Option<TokenAccess>,
    /// Present where the server keeps people itself.
    hub: Option<Hub>,
    /// The password of the user `admin`, where this start made it.
    admin_password: Option<SecretString>,
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
        let records = database::open(workspace)?;
        let frontage = Frontage {
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            is_tls: tls.is_some(),
        };
        let people = People::of(settings);
        let mut opened = match &people {
            People::Hub => Some(hub::open(workspace, &records, authority(&frontage, address))?),
            People::Anybody | People::Accounts(_) => None,
        };
        let key = || token_key::open(workspace, &records);
        let tokens = match (&people, &opened) {
            (People::Accounts(file), _) => Some(people::of_accounts(file, &key()?, &mut reloads)?),
            (_, Some(opened)) => Some(people::of_hub(&opened.hub, &key()?)),
            _ => None,
        };
        if tokens.is_some() {
            // What is hidden from some in the registry is not for all users of the machine either.
            privacy::restrict(&workspace.folder, privacy::FOLDER_MODE);
        }
        let access: Arc<dyn Access> = match &tokens {
            Some(tokens) => Arc::new(tokens.clone()),
            // Pushing is for this machine alone, and only while it listens nowhere else.
            None => Arc::new(LocalAccess { push_from_loopback: address.ip().is_loopback() }),
        };
        // Verifiers find the key that will sign before anything is signed.
        agreement::on_first_key(workspace, &records)?;
        let registry = embedded::open(workspace, &records, access, Purpose::Serve)?;
        let mut admin_password = None;
        if let Some(opened) = &mut opened {
            opened.images.attach(registry.clone());
            admin_password = hub::make_first_user(workspace, &opened.hub, settings.reset_admin)?;
        }
        let hub = opened.map(|opened| opened.hub);
        let server = Self {
            registry,
            records,
            listener,
            address,
            frontage,
            tls,
            tokens,
            hub,
            admin_password,
            reloads,
        };
        server.warn();
        Ok(server)
    }

    /// Returns the password of the user `admin`, where this start made the user.
    pub(crate) fn admin_password(&self) -> Option<&SecretString> {
        self.admin_password.as_ref()
    }

    /// Returns the address that it listens at.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns host and port with which references to its images begin.
    pub(crate) fn authority(&self) -> String {
        authority(&self.frontage, self.address)
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
    pub(crate) fn serve(self, workspace: &Workspace, operation: &Operation) -> Result<(), anyhow::Error> {
        let metrics = Metrics::install(self.records.jobs())?;
        let health = Health::new(self.records.clone(), self.registry.clone());
        let observers = match operation.metrics_listen {
            Some(address) => Some(embedded::listen(&workspace.runtime, address)?),
            None => None,
        };
        let collected = self.registry.clone();
        let (hub, registry) = (self.hub.clone(), self.registry.clone());
        let worker = self.hub.as_ref().map(|hub| work::worker(hub, operation.jobs));
        let mut router = health.router().merge(metrics.local_router());
        router = router.merge(keyring::router(Arc::clone(&workspace.keys)));
        if operation.does(ServerRole::Registry) {
            router = router.merge(temper_registry::router(self.registry));
            if let Some(tokens) = self.tokens {
                router = router.merge(temper_registry::token_router(tokens));
            }
        }
        if let Some(hub) = self.hub.filter(|_| operation.does(ServerRole::Api)) {
            router = router.merge(api::router(hub));
        }
        let limits = ServeLimits { proxies: self.frontage.trusted_proxies.clone(), ..ServeLimits::default() };
        let router =
            metrics::count(request_id::layer(self.frontage.layer(router), Arc::new(embedded::random)));
        let stop_delay = Duration::from_secs(operation.stop_delay.into());
        workspace.runtime.block_on(async {
            let end = embedded::end()?;
            let observing = observers.map(|listener| {
                let router = health.router().merge(metrics.router());
                tokio::spawn(temper_registry::serve(listener, router, ServeLimits::default(), pending()))
            });
            let reloading = tokio::spawn(reload::run(self.reloads));
            // Uploads are staged where the registry is; the rest is anybody's to remove.
            let collects = operation.does(ServerRole::Worker) || operation.does(ServerRole::Registry);
            let collecting = collects.then(|| tokio::spawn(embedded::collect(collected)));
            let (stop, stopping) = watch::channel(false);
            let looks = operation.does(ServerRole::Worker);
            let watching = hub.as_ref().map(|hub| watching::start(hub, &registry, looks, stopping.clone()));
            let working = worker.filter(|_| operation.does(ServerRole::Worker));
            let working = working.map(|worker| tokio::spawn(async move { worker.run(stopping).await }));
            let end = async {
                end.await;
                tracing::info!("ending: no new work is taken");
                health.stop();
                stop.send_replace(true);
                sleep(stop_delay).await;
            };
            let listener = self.listener;
            match &self.tls {
                Some(tls) => temper_registry::serve_tls(listener, tls, router, limits, end).await,
                None => temper_registry::serve(listener, router, limits, end).await,
            }
            if let Some(working) = working {
                // What runs ends or is given back, in a bounded time.
                working.await?;
            }
            drop(watching);
            reloading.abort();
            for task in [collecting, observing].into_iter().flatten() {
                task.abort();
            }
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

/// Opens the registry without serving it, under the rules of the accounts file if there is one, else under those of the
/// hub.
pub(crate) fn open_registry(
    workspace: &Workspace,
    accounts: Option<&Path>,
) -> Result<Registry, anyhow::Error> {
    let accounts = accounts.map(Path::to_path_buf).or_else(|| workspace.server.accounts.clone());
    // Nobody gets a token here: a key of the data folder would be made for the user who runs this, not for the server.
    let key = TokenKey::generate()?;
    let records = database::open(workspace)?;
    let access = match accounts {
        Some(file) => people::of_accounts(&file, &key, &mut Vec::new())?,
        None => people::of_hub(&hub::open(workspace, &records, String::new())?.hub, &key),
    };
    embedded::open(workspace, &records, Arc::new(access), Purpose::Tend)
}

/// Returns host and port by which clients know a server.
fn authority(frontage: &Frontage, address: SocketAddr) -> String {
    let public = frontage.public_url.as_ref().map(|url| url.authority().to_owned());
    public.unwrap_or_else(|| address.to_string())
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
