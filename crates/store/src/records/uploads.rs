//! Uploads: which blobs are arriving, so that they outlive the process and their bytes are nobody's garbage.

use sqlx::AnyConnection;

use super::{Micros, QuotaScope, RecordsError, Repositories, commit, sql};

/// An upload that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// The repository that it goes to.
    pub repository: String,
    /// When the last request for it came.
    pub touched_at: Micros,
}

impl Repositories {
    /// Notes a new upload; says no where as many as `uploads_max` are open.
    pub async fn add_upload(
        &self,
        id: &str,
        repository: &str,
        uploads_max: usize,
        at: Micros,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let done = sqlx::query(
            "INSERT INTO uploads (id, repository, touched_at) \
             SELECT $1, $2, $3 WHERE (SELECT COUNT(*) FROM uploads) < $4",
        )
        .bind(id)
        .bind(repository)
        .bind(at)
        .bind(i64::try_from(uploads_max).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await
        .map_err(sql("add upload"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Finds an upload.
    pub async fn find_upload(&self, id: &str) -> Result<Option<UploadRecord>, RecordsError> {
        let row: Option<(String, Micros)> =
            sqlx::query_as("SELECT repository, touched_at FROM uploads WHERE id = $1")
                .bind(id)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find upload"))?;
        Ok(row.map(|(repository, touched_at)| UploadRecord { repository, touched_at }))
    }

    /// Notes that an upload is in use, and how much has arrived of it; says whether it is still open.
    pub async fn touch_upload(&self, id: &str, size_bytes: u64, at: Micros) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let done = sqlx::query("UPDATE uploads SET touched_at = $2, size_bytes = $3 WHERE id = $1")
            .bind(id)
            .bind(at)
            .bind(size_bytes.cast_signed())
            .execute(&mut *transaction)
            .await
            .map_err(sql("touch upload"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets an upload; harmless where it has ended.
    pub async fn remove_upload(&self, id: &str) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        end(&mut transaction, id).await?;
        commit(transaction).await
    }

    /// Forgets all uploads that were last used before `before`, and returns their ids.
    pub async fn expire_uploads(&self, before: Micros) -> Result<Vec<String>, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let mut ids: Vec<String> =
            sqlx::query_scalar("DELETE FROM uploads WHERE touched_at < $1 RETURNING id")
                .bind(before)
                .fetch_all(&mut *transaction)
                .await
                .map_err(sql("expire uploads"))?;
        commit(transaction).await?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Lists the uploads of a repository, or of all, that were last used before `before`; longest idle first.
    pub async fn list_uploads(
        &self,
        repository: Option<&str>,
        before: Micros,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT id FROM uploads WHERE ($1 IS NULL OR repository = $1) AND touched_at < $2 \
             ORDER BY touched_at, id",
        )
        .bind(repository)
        .bind(before)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list uploads"))
    }

    /// Lists the uploads of a quota's scope that have brought something and were last used before `before`; longest
    /// idle first.
    pub async fn list_staged_uploads(
        &self,
        scope: &QuotaScope,
        before: Micros,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT id FROM uploads WHERE size_bytes > 0 AND touched_at < $3 AND (repository = $1 \
             OR ($2 AND repository > $1 || '/' AND repository < $1 || '0')) ORDER BY touched_at, id",
        )
        .bind(scope.name())
        .bind(matches!(scope, QuotaScope::Organization(_)))
        .bind(before)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list uploads"))
    }
}

/// Forgets an upload inside a transaction; says whether it was open.
pub(super) async fn end(connection: &mut AnyConnection, id: &str) -> Result<bool, RecordsError> {
    let done = sqlx::query("DELETE FROM uploads WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await
        .map_err(sql("end upload"))?;
    Ok(done.rows_affected() > 0)
}
