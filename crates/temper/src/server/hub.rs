//! The hub of a server: what it works with, and the first user.

use std::sync::Arc;

use anyhow::Context;
use secrecy::SecretString;
use temper_fetch::courier::Courier;
use temper_hub::{Hub, HubConfig, Outside};
use temper_registry::{AccessSecret, PasswordLimits, Passwords};
use temper_store::records::Records;

use super::images::{ServedImages, ServedSigners};
use super::network;
use super::secrets::ServedSecrets;
use crate::catalog::Catalog;
use crate::embedded;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Letters and digits of the first user's password.
const PASSWORD_LENGTH: usize = 24;

/// The hub of a server that is being opened.
pub(super) struct Opened {
    pub(super) hub: Hub,
    /// Where the embedded registry is named once it is open.
    pub(super) images: Arc<ServedImages>,
}

/// Opens the hub over the records; clients know the server as `authority`.
pub(super) fn open(
    workspace: &Workspace,
    records: &Records,
    authority: String,
) -> Result<Opened, anyhow::Error> {
    let passwords = Passwords::new(PasswordLimits::default()).context("the system gives no randomness")?;
    let images = Arc::new(ServedImages::new(workspace, authority));
    let hub = Hub::new(HubConfig {
        records: records.clone(),
        images: images.clone(),
        signers: Arc::new(ServedSigners::new(Arc::clone(&workspace.keys))),
        secrets: Arc::new(ServedSecrets(passwords)),
        blobs: Arc::new(workspace.blobs.clone()),
        cache: Arc::new(workspace.cache.clone()),
        archive: workspace.archive.clone(),
        keep_inputs: workspace.keep_inputs,
        outside: outside(workspace)?,
        clock: Arc::new(embedded::now),
        random: Arc::new(embedded::random),
    });
    Ok(Opened { hub, images })
}

/// Opens what the hub reaches beyond its own registry.
fn outside(workspace: &Workspace) -> Result<Outside, anyhow::Error> {
    let server = &workspace.server;
    let catalog = Catalog::read(server.catalog.as_deref()).map_err(Failure::configuration)?;
    let networks = server.webhook_networks.iter().map(|text| network(text).map_err(anyhow::Error::msg));
    let networks = networks.collect::<Result<Vec<_>, _>>();
    let networks =
        networks.context("`server.webhook-networks` cannot be used").map_err(Failure::configuration)?;
    let courier = Courier::new(&workspace.http, networks)?;
    Ok(Outside::new(catalog.into_inner(), workspace.registry.clone(), courier))
}

/// Makes the user `admin` where there are no users, or with `reset` gives the user a new password; returns the password,
/// which is kept nowhere.
pub(super) fn make_first_user(
    workspace: &Workspace,
    hub: &Hub,
    reset: bool,
) -> Result<Option<SecretString>, anyhow::Error> {
    let secret = AccessSecret::generate()?;
    let letters = secret.expose().chars().rev().filter(char::is_ascii_alphanumeric);
    let password: SecretString = letters.take(PASSWORD_LENGTH).collect::<String>().into();
    let is_first = workspace.runtime.block_on(hub.create_first_user(&password))?;
    if reset && !is_first {
        workspace.runtime.block_on(hub.reset_first_user(&password))?;
    }
    Ok((is_first || reset).then_some(password))
}
