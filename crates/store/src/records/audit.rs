//! The audit log: who changed what, when, from what to what.
//!
//! An event is written in the transaction of the change that it tells of, so that neither is ever there alone.

use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::{Micros, Records, RecordsError, sql};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// A UUID of version 7: later events have higher ids.
    pub id: String,
    /// When.
    pub at: Micros,
    /// In which organization; absent for what concerns the whole server.
    pub organization_id: Option<String>,
    /// Who, `alice` or `alice/token:ci`.
    pub actor: String,
    /// What was done, `team.create`.
    pub action: String,
    /// To what, `acme/developers`.
    pub subject: String,
    /// What it was, as JSON; absent for what was not there.
    pub before: Option<String>,
    /// What it became, as JSON; absent for what is gone.
    pub after: Option<String>,
}

impl AuditEvent {
    /// Says what it was.
    #[must_use]
    pub fn before(self, before: &impl Serialize) -> Self {
        Self { before: Some(json(before)), ..self }
    }

    /// Says what it became.
    #[must_use]
    pub fn after(self, after: &impl Serialize) -> Self {
        Self { after: Some(json(after)), ..self }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records are maps of texts and numbers")
}

impl<'r> FromRow<'r, AnyRow> for AuditEvent {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            organization_id: row.try_get("organization_id")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            before: row.try_get("before")?,
            after: row.try_get("after")?,
        })
    }
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of an organization; else those of all, and of the server.
    pub organization_id: Option<String>,
    /// Those whose action begins so: `team.`.
    pub action: Option<String>,
    /// Those of this actor.
    pub actor: Option<String>,
}

/// The audit log; clones share one database.
#[derive(Clone, Debug)]
pub struct Audit {
    records: Records,
}

impl Records {
    /// Returns the audit log.
    pub fn audit(&self) -> Audit {
        Audit { records: self.clone() }
    }
}

impl Audit {
    /// Lists at most `limit` events before the event `before`, newest first.
    pub async fn list(
        &self,
        filter: &AuditFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, RecordsError> {
        let (action, organization) = (filter.action.as_deref(), filter.organization_id.as_deref());
        sqlx::query_as(
            "SELECT * FROM audit_events WHERE ($1 = '' OR id < $1) \
             AND ($2 = '' OR organization_id = $2) AND ($3 = '' OR actor = $3) \
             AND substr(action, 1, length($4)) = $4 ORDER BY id DESC LIMIT $5",
        )
        .bind(before.unwrap_or(""))
        .bind(organization.unwrap_or(""))
        .bind(filter.actor.as_deref().unwrap_or(""))
        .bind(action.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list audit events"))
    }
}

/// Writes an event, in the transaction of its change.
pub(crate) async fn note(connection: &mut AnyConnection, event: AuditEvent) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO audit_events (id, at, organization_id, actor, action, subject, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(event.id)
    .bind(event.at)
    .bind(event.organization_id)
    .bind(event.actor)
    .bind(event.action)
    .bind(event.subject)
    .bind(event.before)
    .bind(event.after)
    .execute(connection)
    .await
    .map_err(sql("note audit event"))?;
    Ok(())
}
