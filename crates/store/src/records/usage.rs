//! Usage: how much repositories keep, as they see it and on the disk.

use sqlx::Row as _;

use super::{RecordsError, Repositories, sql};

/// What one repository keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUsage {
    /// Its name.
    pub repository: String,
    /// Bytes of everything that it shows.
    pub logical_bytes: u64,
    /// Bytes that nobody else shows: what is freed when the repository goes.
    pub exclusive_bytes: u64,
    /// Number of blobs.
    pub blobs: u64,
    /// Number of manifests, indexes among them.
    pub manifests: u64,
    /// Number of tags.
    pub tags: u64,
}

/// What all repositories keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Each repository, by name.
    pub repositories: Vec<RepositoryUsage>,
    /// Sum of what each repository shows.
    pub logical_bytes: u64,
    /// Bytes that are kept: a blob of several repositories counts once.
    pub deduplicated_bytes: u64,
}

impl Repositories {
    /// Tells what is kept by all repositories, or by one and those below its name.
    ///
    /// Figures of different repositories may come from different moments.
    pub async fn usage(&self, scope: Option<&str>) -> Result<Usage, RecordsError> {
        let rows = sqlx::query(
            "SELECT r.name, \
             (SELECT COUNT(*) FROM tags WHERE repository_id = r.id) AS tags, \
             (SELECT COUNT(*) FROM manifests WHERE repository_id = r.id) AS manifests, \
             (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM manifests WHERE repository_id = r.id) AS manifest_bytes, \
             (SELECT COUNT(*) FROM repository_blobs WHERE repository_id = r.id) AS blobs, \
             (SELECT CAST(COALESCE(SUM(b.size_bytes), 0) AS BIGINT) FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
              WHERE l.repository_id = r.id) AS blob_bytes, \
             (SELECT CAST(COALESCE(SUM(b.size_bytes), 0) AS BIGINT) FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
              WHERE l.repository_id = r.id AND NOT EXISTS (SELECT 1 FROM repository_blobs o \
              WHERE o.digest = l.digest AND o.repository_id <> r.id)) AS exclusive_bytes \
             FROM repositories r WHERE $1 = '' OR r.name = $1 OR (r.name > $1 || '/' AND r.name < $1 || '0') \
             ORDER BY r.name",
        )
        .bind(scope.unwrap_or(""))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("find usage"))?;
        let mut usage = Usage::default();
        for row in &rows {
            let count =
                |name: &str| row.try_get::<i64, _>(name).map(i64::cast_unsigned).map_err(sql("read usage"));
            let manifest_bytes = count("manifest_bytes")?;
            let repository = RepositoryUsage {
                repository: row.try_get("name").map_err(sql("read usage"))?,
                logical_bytes: count("blob_bytes")? + manifest_bytes,
                exclusive_bytes: count("exclusive_bytes")? + manifest_bytes,
                blobs: count("blobs")?,
                manifests: count("manifests")?,
                tags: count("tags")?,
            };
            usage.logical_bytes += repository.logical_bytes;
            usage.deduplicated_bytes += manifest_bytes;
            usage.repositories.push(repository);
        }
        usage.deduplicated_bytes += self.blob_bytes(scope.unwrap_or("")).await?;
        Ok(usage)
    }

    /// Sums the blobs of a scope, each once.
    async fn blob_bytes(&self, scope: &str) -> Result<u64, RecordsError> {
        let bytes: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM blobs WHERE digest IN \
             (SELECT l.digest FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id \
              WHERE $1 = '' OR r.name = $1 OR (r.name > $1 || '/' AND r.name < $1 || '0'))",
        )
        .bind(scope)
        .fetch_one(self.records.read())
        .await
        .map_err(sql("find usage"))?;
        Ok(bytes.cast_unsigned())
    }
}
