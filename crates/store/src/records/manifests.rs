//! Manifests of repositories, and who refers to whom.

use std::collections::BTreeMap;

use bytes::Bytes;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use temper_oci::Digest;

use super::{RecordsError, Repositories, commit, sql, storable, tags};

/// What is known of a manifest without reading its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Media type that it was pushed with.
    pub media_type: String,
    /// Number of bytes.
    pub size_bytes: u64,
    /// The manifest that it refers to, which need not exist.
    pub subject: Option<Digest>,
    /// What a list of referrers shows as its type.
    pub artifact_type: Option<String>,
    /// What a list of referrers shows as its annotations; kept only beside `subject`.
    pub annotations: BTreeMap<String, String>,
}

/// What went with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedManifest {
    /// Media type that it was pushed with.
    pub media_type: String,
    /// The tags that pointed to it, in lexical order.
    pub tags: Vec<String>,
}

const COLUMNS_OF_MANIFEST: &str =
    "m.digest, m.media_type, m.size_bytes, m.subject, m.artifact_type, m.annotations";

impl Repositories {
    /// Finds a manifest by digest.
    pub async fn find_manifest(
        &self,
        repository: &str,
        digest: Digest,
    ) -> Result<Option<ManifestRecord>, RecordsError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS_OF_MANIFEST} FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE r.name = $1 AND m.digest = $2"
        )))
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find manifest"))?;
        row.map(|row| ManifestRecord::from_row(&row)).transpose()
    }

    /// Finds the manifest that a tag points to.
    pub async fn find_tagged_manifest(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<Option<ManifestRecord>, RecordsError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS_OF_MANIFEST} FROM tags t JOIN repositories r ON r.id = t.repository_id \
             JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest \
             WHERE r.name = $1 AND t.name = $2"
        )))
        .bind(repository)
        .bind(tag)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find tag"))?;
        row.map(|row| ManifestRecord::from_row(&row)).transpose()
    }

    /// Lists at most `limit` manifests that refer to `subject`, by digest, after `after`.
    pub async fn list_referrers(
        &self,
        repository: &str,
        subject: Digest,
        artifact_type: Option<&str>,
        after: Option<Digest>,
        limit: u32,
    ) -> Result<Vec<ManifestRecord>, RecordsError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS_OF_MANIFEST} FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE r.name = $1 AND m.subject = $2 AND (CAST($3 AS TEXT) IS NULL OR m.artifact_type = $3) \
             AND m.digest > $4 ORDER BY m.digest LIMIT $5"
        )))
        .bind(repository)
        .bind(subject.to_string())
        .bind(artifact_type.map(|text| storable(text).into_owned()))
        .bind(after.map_or_else(String::new, |digest| digest.to_string()))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list referrers"))?;
        rows.iter().map(ManifestRecord::from_row).collect()
    }

    /// Reads the bytes of a manifest as they were pushed.
    pub async fn read_manifest(
        &self,
        repository: &str,
        digest: Digest,
    ) -> Result<Option<Bytes>, RecordsError> {
        let content: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT m.content FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE r.name = $1 AND m.digest = $2",
        )
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("read manifest"))?;
        Ok(content.map(Bytes::from))
    }

    /// Removes a manifest and the tags that point to it; returns what went, if it was there.
    ///
    /// A manifest stays when a tag that `is_fixed` points to it, or to an index that leads to it.
    pub async fn remove_manifest(
        &self,
        repository: &str,
        digest: Digest,
        is_fixed: impl Fn(&str) -> bool + Send,
    ) -> Result<Option<RemovedManifest>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let holders = tags::list_leading_to(&mut transaction, repository, digest).await?;
        if let Some((tag, digest)) = holders.iter().find(|(tag, _)| is_fixed(tag)) {
            let (repository, tag, digest) = (repository.to_owned(), tag.clone(), *digest);
            return Err(RecordsError::FixedTag { repository, tag, digest });
        }
        let tags = holders.into_iter().filter(|(_, target)| *target == digest).map(|(tag, _)| tag).collect();
        let media_type: Option<String> = sqlx::query_scalar(
            "DELETE FROM manifests WHERE digest = $2 \
             AND repository_id = (SELECT id FROM repositories WHERE name = $1) RETURNING media_type",
        )
        .bind(repository)
        .bind(digest.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("remove manifest"))?;
        commit(transaction).await?;
        Ok(media_type.map(|media_type| RemovedManifest { media_type, tags }))
    }
}

impl ManifestRecord {
    fn from_row(row: &AnyRow) -> Result<Self, RecordsError> {
        let failed = sql("read manifest");
        let annotations: Option<String> = row.try_get("annotations").map_err(&failed)?;
        Ok(Self {
            digest: digest_from(row, "digest", "manifests.digest")?,
            media_type: row.try_get("media_type").map_err(&failed)?,
            size_bytes: row.try_get::<i64, _>("size_bytes").map_err(&failed)?.cast_unsigned(),
            subject: match row.try_get::<Option<String>, _>("subject").map_err(&failed)? {
                Some(text) => Some(parse_digest(text, "manifests.subject")?),
                None => None,
            },
            artifact_type: row.try_get("artifact_type").map_err(&failed)?,
            annotations: annotations.map_or_else(|| Ok(BTreeMap::new()), |text| parse_annotations(&text))?,
        })
    }
}

pub(super) fn digest_from(
    row: &AnyRow,
    name: &'static str,
    column: &'static str,
) -> Result<Digest, RecordsError> {
    parse_digest(row.try_get(name).map_err(sql("read digest"))?, column)
}

pub(super) fn parse_digest(text: String, column: &'static str) -> Result<Digest, RecordsError> {
    text.parse().map_err(|_| RecordsError::Inconsistent { column, value: text })
}

fn parse_annotations(text: &str) -> Result<BTreeMap<String, String>, RecordsError> {
    serde_json::from_str(text)
        .map_err(|_| RecordsError::Inconsistent { column: "manifests.annotations", value: text.to_owned() })
}
