//! `temper webhook`: who is told of what happens, and who tells of pushes.

use std::process::ExitCode;

use temper_web::{Delivery, IncomingWebhook, NewIncomingWebhook, NewWebhook, Webhook};

use crate::asking;
use crate::cli::webhook::{self as cli, IncomingCommand, WebhookCommand};
use crate::commands::api::Api;

/// Runs one command.
pub(crate) fn run(api: &Api, command: &WebhookCommand) -> Result<ExitCode, anyhow::Error> {
    match command {
        WebhookCommand::Create(options) => create(api, options),
        WebhookCommand::List(options) => list(api, &options.org),
        WebhookCommand::Ping(options) => ping(api, options),
        WebhookCommand::Deliveries(options) => deliveries(api, options),
        WebhookCommand::Delete(options) => delete(api, options),
        WebhookCommand::Incoming(IncomingCommand::Create(options)) => create_incoming(api, options),
        WebhookCommand::Incoming(IncomingCommand::List(options)) => list_incoming(api, &options.org),
        WebhookCommand::Incoming(IncomingCommand::Delete(options)) => delete_incoming(api, options),
    }
}

fn outgoing(organization: &str) -> [&str; 3] {
    ["organizations", organization, "webhooks"]
}

fn incoming(organization: &str) -> [&str; 3] {
    ["organizations", organization, "incoming-webhooks"]
}

fn create(api: &Api, options: &cli::WebhookCreate) -> Result<ExitCode, anyhow::Error> {
    let new = NewWebhook {
        url: options.url.clone(),
        events: options.events.clone(),
        repositories: options.repositories.clone(),
        secret: None,
    };
    let made: Webhook = api.client.post(&outgoing(&options.of.org), &new)?;
    api.print(&made, || {
        let secret = made.secret.as_deref().unwrap_or_default();
        format!("webhook  {}\nsecret   {secret}\n\nThe secret is shown this once.\n", made.id)
    })
}

fn list(api: &Api, organization: &str) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<Webhook> = api.client.list(&outgoing(organization), &[], None)?;
    let or_all = |list: &[String]| if list.is_empty() { "all".to_owned() } else { list.join(", ") };
    api.print_list(&found, &["webhook", "address", "events", "repositories"], |webhook| {
        vec![webhook.id.clone(), webhook.url.clone(), or_all(&webhook.events), or_all(&webhook.repositories)]
    })
}

fn ping(api: &Api, options: &cli::WebhookName) -> Result<ExitCode, anyhow::Error> {
    let [organizations, organization, webhooks] = outgoing(&options.of.org);
    let path = [organizations, organization, webhooks, &options.id, "ping"];
    api.client.send(api.client.request(reqwest::Method::POST, &path, &[]))?;
    api.print_done(&format!(
        "a ping is on its way; `temper webhook deliveries {}` shows what became of it",
        options.id
    ))
}

fn deliveries(api: &Api, options: &cli::WebhookName) -> Result<ExitCode, anyhow::Error> {
    let [organizations, organization, webhooks] = outgoing(&options.of.org);
    let path = [organizations, organization, webhooks, &options.id, "deliveries"];
    let found: Vec<Delivery> = api.client.list(&path, &[], None)?;
    api.print_list(&found, &["delivery", "event", "state", "attempts", "created", "answer"], |delivery| {
        let status = delivery.status.map(|status| status.to_string());
        vec![
            delivery.id.clone(),
            delivery.event.clone(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            delivery.created_at.clone(),
            delivery.failure.clone().or(status).unwrap_or_default(),
        ]
    })
}

fn delete(api: &Api, options: &cli::WebhookDelete) -> Result<ExitCode, anyhow::Error> {
    let id = &options.id;
    asking::confirm(&format!("deleting webhook `{id}` with its log"), options.force.force)?;
    let [organizations, organization, webhooks] = outgoing(&options.of.org);
    api.client.delete(&[organizations, organization, webhooks, id], &[])?;
    api.print_done(&format!("webhook {id} is gone"))
}

fn create_incoming(api: &Api, options: &cli::IncomingCreate) -> Result<ExitCode, anyhow::Error> {
    let new = NewIncomingWebhook { kind: options.kind.as_str().to_owned(), secret: None };
    let made: IncomingWebhook = api.client.post(&incoming(&options.of.org), &new)?;
    api.print(&made, || {
        let secret = made.secret.as_deref().unwrap_or_default();
        let address = match options.kind {
            cli::IncomingKind::DockerHub => format!("{}?token={secret}", made.path),
            cli::IncomingKind::Harbor | cli::IncomingKind::Generic => made.path.clone(),
        };
        let id = &made.id;
        format!("webhook  {id}\naddress  {address} of the server\nsecret   {secret}\n\nThe secret is shown this once.\n")
    })
}

fn list_incoming(api: &Api, organization: &str) -> Result<ExitCode, anyhow::Error> {
    let found: Vec<IncomingWebhook> = api.client.list(&incoming(organization), &[], None)?;
    api.print_list(&found, &["webhook", "kind", "address", "calls", "called"], |hook| {
        vec![
            hook.id.clone(),
            hook.kind.clone(),
            hook.path.clone(),
            hook.calls.to_string(),
            hook.called_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    })
}

fn delete_incoming(api: &Api, options: &cli::WebhookDelete) -> Result<ExitCode, anyhow::Error> {
    let id = &options.id;
    asking::confirm(&format!("deleting incoming webhook `{id}`"), options.force.force)?;
    let [organizations, organization, webhooks] = incoming(&options.of.org);
    api.client.delete(&[organizations, organization, webhooks, id], &[])?;
    api.print_done(&format!("incoming webhook {id} is gone"))
}
