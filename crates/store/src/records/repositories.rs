//! Repositories of the embedded registry: the entry to blobs, manifests and tags by repository.

use sqlx::AnyConnection;

use super::{Micros, Records, RecordsError, commit, sql};

/// The repositories' records; clones share one database.
///
/// Names are paths below the registry's host (`acme/python`), checked by the caller; an unknown one is empty,
/// not an error. Reads see committed states only.
#[derive(Clone, Debug)]
pub struct Repositories {
    pub(super) records: Records,
}

impl Repositories {
    pub(super) fn new(records: Records) -> Self {
        Self { records }
    }

    /// Notes, the first time, where the bytes of blobs are; returns what was noted then.
    pub async fn settle_storage(&self, storage: &str) -> Result<String, RecordsError> {
        self.records.settle("storage", storage).await
    }

    /// Notes, the first time, by which id these records own their storage; returns what was noted then.
    pub async fn settle_owner(&self, owner: &str) -> Result<String, RecordsError> {
        self.records.settle("owner", owner).await
    }

    /// Returns where the bytes of blobs are, if that was settled.
    pub async fn find_storage(&self) -> Result<Option<String>, RecordsError> {
        self.records.find_setting("storage").await
    }

    /// Returns by which id these records own their storage, if that was settled.
    pub async fn find_owner(&self) -> Result<Option<String>, RecordsError> {
        self.records.find_setting("owner").await
    }

    /// Says whether the repository is there: from its first push until it is collected empty.
    pub async fn exists(&self, repository: &str) -> Result<bool, RecordsError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT id FROM repositories WHERE name = $1")
            .bind(repository)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find repository"))?;
        Ok(found.is_some())
    }

    /// Forgets the repositories that show nothing.
    pub async fn remove_empty(&self) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query(
            "DELETE FROM repositories \
             WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = repositories.id) \
             AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.repository_id = repositories.id)",
        )
        .execute(&mut *transaction)
        .await
        .map_err(sql("remove empty repositories"))?;
        commit(transaction).await
    }

    /// Lists at most `limit` names after `after`, in lexical order.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar("SELECT name FROM repositories WHERE name > $1 ORDER BY name LIMIT $2")
            .bind(super::after(after))
            .bind(i64::from(limit))
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list repositories"))
    }
}

/// Returns the id of a repository that is there.
pub(super) async fn find(
    connection: &mut AnyConnection,
    repository: &str,
) -> Result<Option<i64>, RecordsError> {
    sqlx::query_scalar("SELECT id FROM repositories WHERE name = $1")
        .bind(repository)
        .fetch_optional(connection)
        .await
        .map_err(sql("find repository"))
}

/// Returns the repository's id, and creates the repository if it is new.
pub(super) async fn ensure(
    connection: &mut AnyConnection,
    repository: &str,
    at: Micros,
) -> Result<i64, RecordsError> {
    // The update changes nothing; it makes the row come back when it was there before.
    sqlx::query_scalar(
        "INSERT INTO repositories (name, created_at) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
    )
    .bind(repository)
    .bind(at)
    .fetch_one(connection)
    .await
    .map_err(sql("add repository"))
}
