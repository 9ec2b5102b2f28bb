//! Leftovers: keys of the storage without an owner, and since when they are known.

use std::collections::BTreeMap;

use super::blobs::key_from;
use super::{Micros, RecordsError, Repositories, commit, sql};
use crate::storage::StorageKey;

impl Repositories {
    /// Returns since when each of these keys is known to have no owner; new ones are as of `at`.
    pub async fn list_leftovers(
        &self,
        unowned: &[StorageKey],
        at: Micros,
    ) -> Result<BTreeMap<StorageKey, Micros>, RecordsError> {
        let rows: Vec<(String, Micros)> = sqlx::query_as("SELECT storage_key, seen_at FROM leftovers")
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list leftovers"))?;
        let seen = rows.into_iter().map(|(key, seen_at)| Ok((key_from(key)?, seen_at)));
        let seen: BTreeMap<_, _> = seen.collect::<Result<_, RecordsError>>()?;
        Ok(unowned.iter().map(|key| (key.clone(), seen.get(key).copied().unwrap_or(at))).collect())
    }

    /// Remembers just these leftovers until the next time.
    pub async fn note_leftovers(&self, leftovers: &BTreeMap<StorageKey, Micros>) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let failed = sql("note leftovers");
        sqlx::query("DELETE FROM leftovers").execute(&mut *transaction).await.map_err(&failed)?;
        for (key, seen_at) in leftovers {
            sqlx::query("INSERT INTO leftovers (storage_key, seen_at) VALUES ($1, $2)")
                .bind(key.as_str())
                .bind(seen_at)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        commit(transaction).await
    }
}
