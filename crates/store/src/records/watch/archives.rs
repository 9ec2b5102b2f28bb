//! Package archives: which state was acted on, and what the choices of targets depend on.

use super::super::{Micros, RecordsError, commit, sql};
use super::Watch;

/// What the choice of packages of a target depends on, in one archive.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PackageWatch {
    /// The target, or the subject of a definition's builds.
    pub target_id: String,
    /// Sources and architecture, as JSON.
    pub archive: String,
    /// A JSON list of names of packages.
    pub names: String,
    /// Equal ones choose equal packages.
    pub fingerprint: String,
}

impl Watch {
    /// Returns the state of an archive that was acted on last.
    pub async fn archive_seen(&self, archive: &str) -> Result<Option<String>, RecordsError> {
        sqlx::query_scalar("SELECT snapshot FROM archives_seen WHERE archive = $1")
            .bind(archive)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find archive"))
    }

    /// Notes the state of an archive that was acted on.
    pub async fn note_archive(&self, archive: &str, snapshot: &str, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(
            "INSERT INTO archives_seen (archive, snapshot, seen_at) VALUES ($1, $2, $3) \
             ON CONFLICT (archive) DO UPDATE SET snapshot = excluded.snapshot, seen_at = excluded.seen_at",
        )
        .bind(archive)
        .bind(snapshot)
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("note archive"))?;
        commit(transaction).await
    }

    /// Lists the archives that choices depend on.
    pub async fn archives(&self) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar("SELECT DISTINCT archive FROM package_watches ORDER BY archive")
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list archives"))
    }

    /// Lists what depends on an archive.
    pub async fn package_watches(&self, archive: &str) -> Result<Vec<PackageWatch>, RecordsError> {
        sqlx::query_as(
            "SELECT target_id, archive, names, fingerprint FROM package_watches WHERE archive = $1 ORDER BY target_id",
        )
        .bind(archive)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list package watches"))
    }

    /// Replaces what a target depends on.
    pub async fn set_package_watches(
        &self,
        target_id: &str,
        watches: &[PackageWatch],
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query("DELETE FROM package_watches WHERE target_id = $1")
            .bind(target_id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("forget package watches"))?;
        for watch in watches {
            sqlx::query(
                "INSERT INTO package_watches (target_id, archive, names, fingerprint) VALUES ($1, $2, $3, $4)",
            )
            .bind(target_id)
            .bind(&watch.archive)
            .bind(&watch.names)
            .bind(&watch.fingerprint)
            .execute(&mut *transaction)
            .await
            .map_err(sql("add package watch"))?;
        }
        commit(transaction).await
    }

    /// Notes that a target was looked at for the state of an archive that gives it this fingerprint.
    pub async fn set_fingerprint(
        &self,
        target_id: &str,
        archive: &str,
        fingerprint: &str,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("UPDATE package_watches SET fingerprint = $3 WHERE target_id = $1 AND archive = $2")
            .bind(target_id)
            .bind(archive)
            .bind(fingerprint)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note fingerprint"))?;
        commit(transaction).await
    }

    /// Forgets what targets depended on that are gone.
    pub async fn forget_gone(&self) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query(
            "DELETE FROM package_watches WHERE NOT EXISTS (SELECT 1 FROM builds b WHERE b.subject = package_watches.target_id)",
        )
        .execute(&mut *transaction)
        .await
        .map_err(sql("forget package watches"))?;
        commit(transaction).await
    }
}
