//! `temper user`: who has an account.

use std::process::ExitCode;

use temper_web::{NewUser, User, UserEdit};

use crate::cli::{self, UserCommand};
use crate::commands::api::Api;
use crate::{asking, printing};

/// Runs one command.
pub(crate) fn run(api: &Api, command: &UserCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        UserCommand::Create(options) => create(api, options),
        UserCommand::List => list(api),
        UserCommand::Get(cli::UserGet { name: Some(name) }) => show(api, &api.client.get(&["users", name])?),
        UserCommand::Get(cli::UserGet { name: None }) => show(api, &api.client.get(&["user"])?),
        UserCommand::Edit(options) => edit(api, options),
        UserCommand::Password(options) => set_password(api, options),
        UserCommand::Delete(options) => delete(api, options),
    }
}

fn create(api: &Api, options: &cli::UserCreate) -> Result<ExitCode, anyhow::Error> {
    let new = NewUser {
        name: options.name.clone(),
        email: options.email.clone(),
        password: asking::new_password("New password: ")?,
        is_admin: options.admin,
    };
    show(api, &api.client.post(&["users"], &new)?)
}

fn list(api: &Api) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<User> = api.client.list(&["users"], &[], None)?;
    api.print_list(&found, &["user", "email", "administrator", "disabled"], |user| {
        vec![
            user.name.clone(),
            user.email.clone().unwrap_or_default(),
            if user.is_admin { "yes" } else { "" }.to_owned(),
            user.disabled_at.clone().unwrap_or_default(),
        ]
    })
}

fn edit(api: &Api, options: &cli::UserEdit) -> Result<ExitCode, anyhow::Error> {
    let edit = UserEdit {
        email: options.email.clone(),
        is_admin: options.admin,
        is_disabled: options.disabled,
        ..UserEdit::default()
    };
    show(api, &api.client.patch(&["users", &options.name], &edit, None)?)
}

fn set_password(api: &Api, options: &cli::UserPassword) -> Result<ExitCode, anyhow::Error> {
    let own: User = api.client.get(&["user"])?;
    let name = options.name.as_ref().unwrap_or(&own.name);
    let is_own = *name == own.name;
    let old_password = if is_own { Some(asking::password("Old password: ")?) } else { None };
    let password = Some(asking::new_password("New password: ")?);
    let edit = UserEdit { password, old_password, ..UserEdit::default() };
    let _: User = api.client.patch(&["users", name], &edit, None)?;
    let again = if is_own { "; log in again with `temper login`" } else { "" };
    api.print_done(&format!("{name} has a new password{again}"))
}

fn delete(api: &Api, options: &cli::UserDelete) -> Result<ExitCode, anyhow::Error> {
    let name = &options.name;
    asking::confirm(&format!("deleting user `{name}`"), options.force.force)?;
    api.client.delete(&["users", name], &[])?;
    api.print_done(&format!("user {name} is gone"))
}

fn show(api: &Api, user: &User) -> Result<ExitCode, anyhow::Error> {
    api.print(user, || {
        printing::fields(&[
            ("user", user.name.clone()),
            ("email", user.email.clone().unwrap_or_default()),
            ("administrator", user.is_admin.to_string()),
            ("since", user.created_at.clone()),
            ("disabled", user.disabled_at.clone().unwrap_or_else(|| "no".to_owned())),
        ])
    })
}
