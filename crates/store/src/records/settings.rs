//! Settings: what must be the same at every start, and for every server over one database.

use super::{Records, RecordsError, commit, sql};

impl Records {
    /// Notes a value the first time; returns what was noted then.
    pub async fn settle(&self, name: &str, value: &str) -> Result<String, RecordsError> {
        let mut transaction = self.write().await?;
        // The update changes nothing; it makes the row come back when it was there before.
        let settled = sqlx::query_scalar(
            "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value",
        )
        .bind(name)
        .bind(value)
        .fetch_one(&mut *transaction)
        .await
        .map_err(sql("settle"))?;
        commit(transaction).await?;
        Ok(settled)
    }

    /// Returns a value that was noted.
    pub async fn find_setting(&self, name: &str) -> Result<Option<String>, RecordsError> {
        sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(self.read())
            .await
            .map_err(sql("find setting"))
    }
}
