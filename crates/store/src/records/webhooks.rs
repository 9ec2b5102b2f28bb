//! Webhooks: where organizations are told of changes, what was sent, and where registries tell of pushes.

mod deliveries;
mod incoming;

use sqlx::AssertSqlSafe;

use std::fmt;

use super::audit::{self, AuditEvent};
use super::mirrors::{read_list, write_list};
use super::{Micros, Records, RecordsError, commit, sql};

pub use deliveries::{Attempt, Delivery, NewDelivery};
pub use incoming::IncomingWebhook;

/// The webhooks' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Webhooks {
    records: Records,
}

/// A secret that two sides share; it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(String);

impl SharedSecret {
    /// Takes a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// Where an organization is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The address that is told.
    pub url: String,
    /// What payloads are signed with.
    pub secret: SharedSecret,
    /// Names of the events; all where empty.
    pub events: Vec<String>,
    /// Patterns of the repositories; all where empty.
    pub repositories: Vec<String>,
    /// When it was created.
    pub created_at: Micros,
    /// Who created it.
    pub created_by: String,
}

const COLUMNS: &str = "id, organization_id, url, secret, events, repositories, created_at, created_by";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    organization_id: String,
    url: String,
    secret: String,
    events: String,
    repositories: String,
    created_at: Micros,
    created_by: String,
}

impl Row {
    fn webhook(self) -> Result<Webhook, RecordsError> {
        Ok(Webhook {
            id: self.id,
            organization_id: self.organization_id,
            url: self.url,
            secret: SharedSecret(self.secret),
            events: read_list("webhooks.events", self.events)?,
            repositories: read_list("webhooks.repositories", self.repositories)?,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}

impl Records {
    /// Returns the records of webhooks.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks { records: self.clone() }
    }
}

impl Webhooks {
    /// Adds a webhook.
    pub async fn create(&self, webhook: &Webhook, event: AuditEvent) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO webhooks ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        )))
        .bind(&webhook.id)
        .bind(&webhook.organization_id)
        .bind(&webhook.url)
        .bind(webhook.secret.expose())
        .bind(write_list(&webhook.events))
        .bind(write_list(&webhook.repositories))
        .bind(webhook.created_at)
        .bind(&webhook.created_by)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add webhook"))?;
        audit::note(&mut transaction, event).await?;
        commit(transaction).await
    }

    /// Removes a webhook with its log; says whether it was there.
    pub async fn delete(&self, id: &str, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let deleted = sqlx::query("DELETE FROM webhooks WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove webhook"))?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await?;
        Ok(true)
    }

    /// Returns a webhook.
    pub async fn find(&self, id: &str) -> Result<Option<Webhook>, RecordsError> {
        let row: Option<Row> =
            sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM webhooks WHERE id = $1")))
                .bind(id)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find webhook"))?;
        row.map(Row::webhook).transpose()
    }

    /// Lists at most `limit` webhooks of an organization after `after`, in the order of creation.
    pub async fn list(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Webhook>, RecordsError> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM webhooks WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        )))
        .bind(organization_id)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list webhooks"))?;
        rows.into_iter().map(Row::webhook).collect()
    }
}
