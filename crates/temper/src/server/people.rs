//! Who may come: anybody, those of an accounts file, or the people that the server keeps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use temper_hub::Hub;
use temper_registry::{
    AccountsDirectory, Directory, PasswordLimits, Passwords, TokenAccess, TokenKey, TokenLimits, Tokens,
};
use tokio::sync::watch;

use super::directory::HubDirectory;
use super::reload::Reload;
use super::settings::Settings;
use super::{accounts, reload};
use crate::embedded;
use crate::failure::Failure;

/// Who logs in to a server.
pub(super) enum People {
    /// Nobody: everybody pulls.
    Anybody,
    /// Those whom a file names.
    Accounts(PathBuf),
    /// The users and organizations of the records.
    Hub,
}

impl People {
    /// Returns what the settings choose.
    pub(super) fn of(settings: &Settings) -> Self {
        match &settings.accounts {
            Some(file) => Self::Accounts(file.clone()),
            None if settings.anonymous => Self::Anybody,
            None => Self::Hub,
        }
    }
}

/// Returns the access of those whom a file names; the file is read again when it changes.
pub(super) fn of_accounts(
    file: &Path,
    key: &TokenKey,
    reloads: &mut Vec<Reload>,
) -> Result<TokenAccess, anyhow::Error> {
    let (contents, accounts) = accounts::read(file, Failure::configuration, Failure::configuration)?;
    let (sender, receiver) = watch::channel(Arc::new(accounts));
    let files = vec![file.to_owned()];
    reloads.push(reload::Reload::new("accounts file", files, vec![contents], move |contents| {
        sender.send_replace(Arc::new(accounts::parse(&contents[0])?));
        Ok(())
    }));
    let passwords = Passwords::new(PasswordLimits::default()).context("the system gives no randomness")?;
    Ok(access(AccountsDirectory::new(receiver, passwords, Arc::new(embedded::now)), key))
}

/// Returns the access of the people that a hub keeps.
pub(super) fn of_hub(hub: &Hub, key: &TokenKey) -> TokenAccess {
    access(HubDirectory(hub.clone()), key)
}

fn access(directory: impl Directory + 'static, key: &TokenKey) -> TokenAccess {
    let tokens = Tokens::new(key, Arc::new(embedded::now), TokenLimits::default());
    TokenAccess::new(Arc::new(directory), tokens)
}
