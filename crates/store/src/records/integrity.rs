//! Integrity: going through everything that is kept, to compare it with what it should be.

use bytes::Bytes;
use temper_oci::Digest;

use super::blobs::key_from;
use super::manifests::parse_digest;
use super::{NewBlob, RecordsError, Repositories, sql};

/// A manifest that names what its repository does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The repository.
    pub repository: String,
    /// The manifest.
    pub manifest: Digest,
    /// What it names.
    pub target: Digest,
}

impl Repositories {
    /// Says whether a blob is kept, whoever shows it.
    pub async fn has_blob(&self, digest: Digest) -> Result<bool, RecordsError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT size_bytes FROM blobs WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find blob"))?;
        Ok(found.is_some())
    }

    /// Lists at most `limit` blobs that are kept, by digest, after `after`.
    pub async fn list_blobs(&self, after: Option<Digest>, limit: u32) -> Result<Vec<NewBlob>, RecordsError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT digest, size_bytes, storage_key FROM blobs WHERE digest > $1 ORDER BY digest LIMIT $2",
        )
        .bind(after.map_or_else(String::new, |digest| digest.to_string()))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list blobs"))?;
        let blob = |(digest, size_bytes, key): (String, i64, String)| {
            Ok(NewBlob {
                digest: parse_digest(digest, "blobs.digest")?,
                size_bytes: size_bytes.cast_unsigned(),
                storage_key: key_from(key)?,
            })
        };
        rows.into_iter().map(blob).collect()
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
        let dangling = |(repository, manifest, target): (String, String, String)| {
            Ok(Dangling {
                repository,
                manifest: parse_digest(manifest, "manifest_references.digest")?,
                target: parse_digest(target, "manifest_references.target")?,
            })
        };
        rows.into_iter().map(dangling).collect()
    }
}
