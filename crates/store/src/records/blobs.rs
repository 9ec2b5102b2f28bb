//! Which blobs a repository shows.

use sqlx::SqliteConnection;
use temper_oci::Digest;

use super::{Micros, RecordsError, Repositories, commit, repositories, sql};

impl Repositories {
    /// Makes a blob of the blob store visible in the repository; harmless when it already is.
    pub async fn link_blob(
        &self,
        repository: &str,
        digest: Digest,
        size_bytes: u64,
        at: Micros,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        let id = repositories::ensure(&mut transaction, repository, at).await?;
        link(&mut transaction, id, digest, size_bytes, at).await?;
        commit(transaction).await
    }

    /// Makes a blob of one repository visible in another; `None` when `from` does not show it, else its size.
    pub async fn mount_blob(
        &self,
        from: &str,
        to: &str,
        digest: Digest,
        at: Micros,
    ) -> Result<Option<u64>, RecordsError> {
        let Some(size_bytes) = self.find_blob(from, digest).await? else { return Ok(None) };
        self.link_blob(to, digest, size_bytes, at).await?;
        Ok(Some(size_bytes))
    }

    /// Finds a blob that the repository shows and returns its size in bytes.
    pub async fn find_blob(&self, repository: &str, digest: Digest) -> Result<Option<u64>, RecordsError> {
        let size: Option<i64> = sqlx::query_scalar(
            "SELECT b.size_bytes FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id \
             WHERE r.name = $1 AND b.digest = $2",
        )
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find blob"))?;
        Ok(size.map(i64::cast_unsigned))
    }

    /// Lists at most `limit` repositories that show a blob, in lexical order.
    pub async fn list_repositories_of_blob(
        &self,
        digest: Digest,
        limit: u32,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT r.name FROM repositories r WHERE EXISTS (SELECT 1 FROM repository_blobs b \
             WHERE b.repository_id = r.id AND b.digest = $1) ORDER BY r.name LIMIT $2",
        )
        .bind(digest.to_string())
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list repositories of blob"))
    }

    /// Hides a blob from the repository; says whether it was visible. Its bytes stay in the blob store.
    pub async fn unlink_blob(&self, repository: &str, digest: Digest) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let done = sqlx::query(
            "DELETE FROM repository_blobs WHERE digest = $2 \
             AND repository_id = (SELECT id FROM repositories WHERE name = $1)",
        )
        .bind(repository)
        .bind(digest.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(sql("unlink blob"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }
}

pub(super) async fn link(
    connection: &mut SqliteConnection,
    repository_id: i64,
    digest: Digest,
    size_bytes: u64,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO repository_blobs (repository_id, digest, size_bytes, linked_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (repository_id, digest) DO NOTHING",
    )
    .bind(repository_id)
    .bind(digest.to_string())
    .bind(size_bytes.cast_signed())
    .bind(at)
    .execute(connection)
    .await
    .map_err(sql("link blob"))?;
    Ok(())
}
