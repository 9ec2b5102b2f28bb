//! Incoming webhooks: addresses at which registries tell of pushes.

use sqlx::AssertSqlSafe;

use super::super::audit::{self, AuditEvent};
use super::super::{Micros, RecordsError, commit, sql};
use super::{SharedSecret, Webhooks};

/// An address at which a registry tells of pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingWebhook {
    /// Its id, part of the address.
    pub id: String,
    /// The organization whose mirrors it is for.
    pub organization_id: String,
    /// `docker-hub`, `harbor` or `generic`.
    pub kind: String,
    /// What proves a call.
    pub secret: SharedSecret,
    /// When it was created.
    pub created_at: Micros,
    /// Who created it.
    pub created_by: String,
    /// When it was last called by somebody who knew the secret.
    pub called_at: Option<Micros>,
    /// How often it was.
    pub calls: i64,
}

const COLUMNS: &str = "id, organization_id, kind, secret, created_at, created_by, called_at, calls";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    organization_id: String,
    kind: String,
    secret: String,
    created_at: Micros,
    created_by: String,
    called_at: Option<Micros>,
    calls: i64,
}

impl From<Row> for IncomingWebhook {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            kind: row.kind,
            secret: SharedSecret(row.secret),
            created_at: row.created_at,
            created_by: row.created_by,
            called_at: row.called_at,
            calls: row.calls,
        }
    }
}

impl Webhooks {
    /// Adds an incoming webhook.
    pub async fn create_incoming(
        &self,
        hook: &IncomingWebhook,
        event: AuditEvent,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(
            "INSERT INTO incoming_webhooks (id, organization_id, kind, secret, created_at, created_by, calls) \
             VALUES ($1, $2, $3, $4, $5, $6, 0)",
        )
        .bind(&hook.id)
        .bind(&hook.organization_id)
        .bind(&hook.kind)
        .bind(hook.secret.expose())
        .bind(hook.created_at)
        .bind(&hook.created_by)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add incoming webhook"))?;
        audit::note(&mut transaction, event).await?;
        commit(transaction).await
    }

    /// Removes an incoming webhook; says whether it was there.
    pub async fn delete_incoming(&self, id: &str, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let deleted = sqlx::query("DELETE FROM incoming_webhooks WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove incoming webhook"))?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await?;
        Ok(true)
    }

    /// Returns an incoming webhook.
    pub async fn find_incoming(&self, id: &str) -> Result<Option<IncomingWebhook>, RecordsError> {
        let row: Option<Row> =
            sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM incoming_webhooks WHERE id = $1")))
                .bind(id)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find incoming webhook"))?;
        Ok(row.map(IncomingWebhook::from))
    }

    /// Notes a call by somebody who knew the secret.
    pub async fn note_call(&self, id: &str, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("UPDATE incoming_webhooks SET called_at = $2, calls = calls + 1 WHERE id = $1")
            .bind(id)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note call"))?;
        commit(transaction).await
    }

    /// Lists at most `limit` incoming webhooks of an organization after `after`, in the order of creation.
    pub async fn list_incoming(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<IncomingWebhook>, RecordsError> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM incoming_webhooks WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        )))
        .bind(organization_id)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list incoming webhooks"))?;
        Ok(rows.into_iter().map(IncomingWebhook::from).collect())
    }
}
