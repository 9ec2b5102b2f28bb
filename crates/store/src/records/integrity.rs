//! Integrity: going through everything that is kept, to compare it with what it should be.

use bytes::Bytes;
use temper_oci::Digest;

use super::blobs::key_from;
use super::manifests::parse_digest;
use super::{Micros, NewBlob, RecordsError, Repositories, commit, sql, tags};

/// A blob that is kept, whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBlob {
    /// Digest, size, and where its bytes should be.
    pub blob: NewBlob,
    /// Whether it is noted that they are not.
    pub is_damaged: bool,
}

/// A manifest that names what its repository does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The repository.
    pub repository: String,
    /// The manifest.
    pub manifest: Digest,
    /// What it names.
    pub target: Digest,
    /// A tag that leads to the manifest, if there is one: who pulls that fails.
    pub tag: Option<String>,
}

impl Repositories {
    /// Lists at most `limit` blobs that are kept, by digest, after `after`.
    pub async fn list_blobs(&self, after: Option<Digest>, limit: u32) -> Result<Vec<KeptBlob>, RecordsError> {
        let rows: Vec<(String, i64, String, Option<Micros>)> = sqlx::query_as(
            "SELECT digest, size_bytes, storage_key, damaged_at FROM blobs \
             WHERE digest > $1 ORDER BY digest LIMIT $2",
        )
        .bind(after.map_or_else(String::new, |digest| digest.to_string()))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list blobs"))?;
        let kept = |(digest, size_bytes, key, damaged_at): (String, i64, String, Option<Micros>)| {
            let digest = parse_digest(digest, "blobs.digest")?;
            let (size_bytes, storage_key) = (size_bytes.cast_unsigned(), key_from(key)?);
            Ok(KeptBlob {
                blob: NewBlob { digest, size_bytes, storage_key },
                is_damaged: damaged_at.is_some(),
            })
        };
        rows.into_iter().map(kept).collect()
    }

    /// Notes since when a blob's bytes are damaged, or that they are not; says whether it has these bytes still.
    ///
    /// A damaged blob is hidden until it is pushed again, or found whole.
    pub async fn note_damage(
        &self,
        blob: &NewBlob,
        damaged_at: Option<Micros>,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let done = sqlx::query("UPDATE blobs SET damaged_at = $3 WHERE digest = $1 AND storage_key = $2")
            .bind(blob.digest.to_string())
            .bind(blob.storage_key.as_str())
            .bind(damaged_at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note damage"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Says whether a blob is noted as damaged, whoever shows it.
    pub async fn has_damaged_blob(&self, digest: Digest) -> Result<bool, RecordsError> {
        let found: Option<Micros> =
            sqlx::query_scalar("SELECT damaged_at FROM blobs WHERE digest = $1 AND damaged_at IS NOT NULL")
                .bind(digest.to_string())
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find damaged blob"))?;
        Ok(found.is_some())
    }

    /// Lists at most `limit` manifests of a repository with their bytes, by digest, after `after`.
    pub async fn list_manifests(
        &self,
        repository: &str,
        after: Option<Digest>,
        limit: u32,
    ) -> Result<Vec<(Digest, Bytes)>, RecordsError> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT m.digest, m.content FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE r.name = $1 AND m.digest > $2 ORDER BY m.digest LIMIT $3",
        )
        .bind(repository)
        .bind(after.map_or_else(String::new, |digest| digest.to_string()))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list manifests"))?;
        rows.into_iter()
            .map(|(digest, content)| Ok((parse_digest(digest, "manifests.digest")?, content.into())))
            .collect()
    }

    /// Lists at most `limit` references to what was deleted from their repository.
    pub async fn list_dangling(&self, limit: u32) -> Result<Vec<Dangling>, RecordsError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT r.name, f.digest, f.target FROM manifest_references f \
             JOIN repositories r ON r.id = f.repository_id \
             WHERE (f.kind = 'manifest' AND NOT EXISTS (SELECT 1 FROM manifests m \
              WHERE m.repository_id = f.repository_id AND m.digest = f.target)) \
             OR (f.kind = 'blob' AND NOT EXISTS (SELECT 1 FROM repository_blobs l \
              WHERE l.repository_id = f.repository_id AND l.digest = f.target)) \
             ORDER BY r.name, f.digest, f.target LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list dangling references"))?;
        let mut reader = self.records.read().acquire().await.map_err(sql("list dangling references"))?;
        let mut dangling = Vec::with_capacity(rows.len());
        for (repository, manifest, target) in rows {
            let manifest = parse_digest(manifest, "manifest_references.digest")?;
            let target = parse_digest(target, "manifest_references.target")?;
            let holders = tags::list_leading_to(&mut reader, &repository, manifest).await?;
            let tag = holders.into_iter().next().map(|(tag, _)| tag);
            dangling.push(Dangling { repository, manifest, target, tag });
        }
        Ok(dangling)
    }
}
