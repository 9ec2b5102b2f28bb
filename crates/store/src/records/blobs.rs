//! Which blobs are kept, and which repository shows which.

use sqlx::{AnyConnection, Row as _};
use temper_oci::Digest;

use super::error::NeededBlob;
use super::manifests::parse_digest;
use super::quota::Meter;
use super::{Micros, Quota, RecordsError, Repositories, commit, repositories, sql, uploads};
use crate::storage::StorageKey;

/// A blob as a repository shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Number of bytes.
    pub size_bytes: u64,
    /// Where the storage has them.
    pub storage_key: StorageKey,
    /// When it was last pushed to this repository, mounted, or asked for.
    pub touched_at: Micros,
}

/// A blob whose bytes the storage has, and whose digest was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlob {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Where the storage has them.
    pub storage_key: StorageKey,
}

impl Repositories {
    /// Ends an upload with a blob that becomes visible in the repository.
    ///
    /// Says whether the bytes under this key are the blob's now, also in place of damaged ones; else the same blob was
    /// kept before, and they are not needed.
    pub async fn add_blob(
        &self,
        repository: &str,
        blob: &NewBlob,
        upload: &str,
        quotas: &[Quota],
        at: Micros,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let added = sqlx::query(
            "INSERT INTO blobs (digest, size_bytes, storage_key) VALUES ($1, $2, $3) \
             ON CONFLICT (digest) DO UPDATE SET size_bytes = excluded.size_bytes, \
             storage_key = excluded.storage_key, damaged_at = NULL WHERE blobs.damaged_at IS NOT NULL",
        )
        .bind(blob.digest.to_string())
        .bind(blob.size_bytes.cast_signed())
        .bind(blob.storage_key.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(sql("add blob"))?
        .rows_affected();
        link(&mut transaction, repository, blob.digest, quotas, at).await?;
        if !uploads::end(&mut transaction, upload).await? {
            // Without an owner the bytes may be gone already.
            return Err(RecordsError::UnknownUpload(upload.to_owned()));
        }
        commit(transaction).await?;
        Ok(added > 0)
    }

    /// Makes a blob that is kept already visible in the repository, and ends the upload that brought it again.
    ///
    /// Returns the size in bytes; nothing is done where no blob has the digest, or its bytes are damaged.
    pub async fn link_blob(
        &self,
        repository: &str,
        digest: Digest,
        upload: Option<&str>,
        quotas: &[Quota],
        at: Micros,
    ) -> Result<Option<u64>, RecordsError> {
        let mut reader = self.records.read().acquire().await.map_err(sql("find blob"))?;
        if size(&mut reader, digest).await?.is_none() {
            return Ok(None);
        }
        drop(reader);
        let mut transaction = self.records.write().await?;
        let Some(size_bytes) = size(&mut transaction, digest).await? else { return Ok(None) };
        link(&mut transaction, repository, digest, quotas, at).await?;
        if let Some(upload) = upload {
            uploads::end(&mut transaction, upload).await?;
        }
        commit(transaction).await?;
        Ok(Some(size_bytes))
    }

    /// Makes a blob of one repository visible in another; `None` when `from` does not show it, else its size.
    pub async fn mount_blob(
        &self,
        from: &str,
        to: &str,
        digest: Digest,
        quotas: &[Quota],
        at: Micros,
    ) -> Result<Option<u64>, RecordsError> {
        // Found and linked in one transaction, so that no collector comes between.
        let mut transaction = self.records.write().await?;
        let size: Option<i64> = sqlx::query_scalar(
            "SELECT b.size_bytes FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id \
             JOIN blobs b ON b.digest = l.digest WHERE r.name = $1 AND l.digest = $2 AND b.damaged_at IS NULL",
        )
        .bind(from)
        .bind(digest.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("find blob"))?;
        let Some(size) = size else { return Ok(None) };
        link(&mut transaction, to, digest, quotas, at).await?;
        commit(transaction).await?;
        Ok(Some(size.cast_unsigned()))
    }

    /// Finds a blob that the repository shows; one that is known to be damaged is not there.
    pub async fn find_blob(
        &self,
        repository: &str,
        digest: Digest,
    ) -> Result<Option<StoredBlob>, RecordsError> {
        let row = sqlx::query(
            "SELECT b.size_bytes, b.storage_key, l.touched_at FROM repository_blobs l \
             JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.digest = l.digest \
             WHERE r.name = $1 AND l.digest = $2 AND b.damaged_at IS NULL",
        )
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find blob"))?;
        let Some(row) = row else { return Ok(None) };
        let failed = sql("read blob");
        Ok(Some(StoredBlob {
            size_bytes: row.try_get::<i64, _>("size_bytes").map_err(&failed)?.cast_unsigned(),
            storage_key: key_from(row.try_get("storage_key").map_err(&failed)?)?,
            touched_at: row.try_get("touched_at").map_err(&failed)?,
        }))
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

    /// Notes that somebody was told that the repository shows the blob and may push a manifest that names it.
    ///
    /// Says whether it is still there.
    pub async fn touch_blob(
        &self,
        repository: &str,
        digest: Digest,
        at: Micros,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let done = sqlx::query(
            "UPDATE repository_blobs SET touched_at = $3 WHERE digest = $2 \
             AND repository_id = (SELECT id FROM repositories WHERE name = $1)",
        )
        .bind(repository)
        .bind(digest.to_string())
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("touch blob"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Hides a blob from the repository; says whether it was visible. Its bytes stay until they are collected.
    ///
    /// A blob stays while a manifest of the repository needs it.
    pub async fn unlink_blob(&self, repository: &str, digest: Digest) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let needed_by: Option<String> = sqlx::query_scalar(
            "SELECT f.digest FROM manifest_references f JOIN repositories r ON r.id = f.repository_id \
             WHERE r.name = $1 AND f.target = $2 AND f.kind = 'blob' ORDER BY f.digest LIMIT 1",
        )
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("find who needs blob"))?;
        if let Some(manifest) = needed_by {
            let manifest = parse_digest(manifest, "manifest_references.digest")?;
            let repository = repository.to_owned();
            return Err(RecordsError::NeededBlob(Box::new(NeededBlob { repository, digest, manifest })));
        }
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

/// Returns the size in bytes of a blob that is kept whole.
async fn size(connection: &mut AnyConnection, digest: Digest) -> Result<Option<u64>, RecordsError> {
    let size: Option<i64> =
        sqlx::query_scalar("SELECT size_bytes FROM blobs WHERE digest = $1 AND damaged_at IS NULL")
            .bind(digest.to_string())
            .fetch_optional(connection)
            .await
            .map_err(sql("find blob"))?;
    Ok(size.map(i64::cast_unsigned))
}

async fn link(
    connection: &mut AnyConnection,
    repository: &str,
    digest: Digest,
    quotas: &[Quota],
    at: Micros,
) -> Result<(), RecordsError> {
    let meter = Meter::begin(&mut *connection, quotas).await?;
    let id = repositories::ensure(&mut *connection, repository, at).await?;
    sqlx::query(
        "INSERT INTO repository_blobs (repository_id, digest, touched_at) VALUES ($1, $2, $3) \
         ON CONFLICT (repository_id, digest) DO UPDATE SET touched_at = excluded.touched_at",
    )
    .bind(id)
    .bind(digest.to_string())
    .bind(at)
    .execute(&mut *connection)
    .await
    .map_err(sql("link blob"))?;
    meter.end(connection).await
}

/// Reads a stored key.
pub(super) fn key_from(text: String) -> Result<StorageKey, RecordsError> {
    StorageKey::parse(&text).ok_or(RecordsError::Inconsistent { column: "blobs.storage_key", value: text })
}
