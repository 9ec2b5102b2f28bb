//! `temper audit`: who changed what.

use std::process::ExitCode;

use temper_web::AuditEvent;

use crate::cli::{self, AuditCommand};
use crate::commands::api::Api;

/// Runs one command.
pub(crate) fn run(api: &Api, AuditCommand::List(options): &AuditCommand) -> Result<ExitCode, anyhow::Error> {
    let cli::AuditList { org, action, actor, limit } = options;
    let path: &[&str] = match org {
        Some(organization) => &["organizations", organization, "audit"],
        None => &["audit"],
    };
    let mut query = Vec::new();
    query.extend(action.as_deref().map(|action| ("action", action)));
    query.extend(actor.as_deref().map(|actor| ("actor", actor)));
    let events: Vec<AuditEvent> = api.client.list(path, &query, Some(*limit))?;
    api.print_list(&events, &["at", "actor", "action", "subject"], |event| {
        vec![event.at.clone(), event.actor.clone(), event.action.clone(), event.subject.clone()]
    })
}
