//! When an organization lets rebuilds run that nobody asked for.

use sqlx::AnyConnection;

use super::super::audit::{self, AuditEvent};
use super::super::{Micros, RecordsError, commit, sql};
use super::Watch;

/// When rebuilds run that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RebuildSettings {
    /// Since when they do not run at all.
    pub paused_at: Option<Micros>,
    /// A JSON list of weekly windows; where it is empty, they run always.
    pub windows: String,
}

impl Default for RebuildSettings {
    fn default() -> Self {
        Self { paused_at: None, windows: "[]".to_owned() }
    }
}

impl Watch {
    /// Returns an organization's settings.
    pub async fn settings(&self, organization_id: &str) -> Result<RebuildSettings, RecordsError> {
        let mut connection = self.records.read().acquire().await.map_err(sql("find rebuild settings"))?;
        Ok(find(&mut connection, organization_id).await?.unwrap_or_default())
    }

    /// Changes an organization's settings.
    pub async fn set_settings(
        &self,
        organization_id: &str,
        settings: &RebuildSettings,
        event: AuditEvent,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(
            "INSERT INTO rebuild_settings (organization_id, paused_at, windows) VALUES ($1, $2, $3) \
             ON CONFLICT (organization_id) DO UPDATE SET paused_at = excluded.paused_at, windows = excluded.windows",
        )
        .bind(organization_id)
        .bind(settings.paused_at)
        .bind(&settings.windows)
        .execute(&mut *transaction)
        .await
        .map_err(sql("set rebuild settings"))?;
        audit::note(&mut transaction, event).await?;
        commit(transaction).await
    }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    organization_id: &str,
) -> Result<Option<RebuildSettings>, RecordsError> {
    sqlx::query_as("SELECT paused_at, windows FROM rebuild_settings WHERE organization_id = $1")
        .bind(organization_id)
        .fetch_optional(connection)
        .await
        .map_err(sql("find rebuild settings"))
}
