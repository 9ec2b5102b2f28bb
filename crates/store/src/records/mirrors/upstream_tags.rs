//! The tags that a mirror wrote, and those that it left out.

use temper_oci::Digest;

use super::super::manifests::parse_digest;
use super::super::{Micros, RecordsError, commit, sql};
use super::Mirrors;

/// A tag as a mirror saw it upstream and wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTag {
    /// The tag.
    pub tag: String,
    /// Where it pointed.
    pub digest: Digest,
    /// The definition that the image says it was made of.
    pub tag_definition_id: Option<String>,
    /// When it was seen there first.
    pub seen_at: Micros,
}

/// A tag that is wanted and does not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTag {
    /// The tag.
    pub tag: String,
    /// Why.
    pub reason: String,
}

impl Mirrors {
    /// Lists the tags that a mirror wrote, in lexical order.
    pub async fn upstream_tags(&self, mirror_id: &str) -> Result<Vec<UpstreamTag>, RecordsError> {
        let rows: Vec<(String, String, Option<String>, Micros)> = sqlx::query_as(
            "SELECT tag, digest, tag_definition_id, seen_at FROM upstream_tags WHERE mirror_id = $1 ORDER BY tag",
        )
        .bind(mirror_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list upstream tags"))?;
        let tag = |(tag, digest, tag_definition_id, seen_at)| {
            let digest = parse_digest(digest, "upstream_tags.digest")?;
            Ok(UpstreamTag { tag, digest, tag_definition_id, seen_at })
        };
        rows.into_iter().map(tag).collect()
    }

    /// Notes tags before the mirror writes them; a tag that is noted and was not written is written by the next look.
    pub async fn note_tags(&self, mirror_id: &str, tags: &[UpstreamTag]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        for tag in tags {
            sqlx::query(
                "INSERT INTO upstream_tags (mirror_id, tag, digest, tag_definition_id, seen_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mirror_id, tag) DO UPDATE SET \
                 seen_at = CASE WHEN upstream_tags.digest = excluded.digest THEN upstream_tags.seen_at \
                 ELSE excluded.seen_at END, \
                 digest = excluded.digest, tag_definition_id = excluded.tag_definition_id",
            )
            .bind(mirror_id)
            .bind(&tag.tag)
            .bind(tag.digest.to_string())
            .bind(&tag.tag_definition_id)
            .bind(tag.seen_at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note upstream tag"))?;
        }
        commit(transaction).await
    }

    /// Forgets tags that are a mirror's no more.
    pub async fn forget_tags(&self, mirror_id: &str, tags: &[String]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        for tag in tags {
            sqlx::query("DELETE FROM upstream_tags WHERE mirror_id = $1 AND tag = $2")
                .bind(mirror_id)
                .bind(tag)
                .execute(&mut *transaction)
                .await
                .map_err(sql("forget upstream tag"))?;
        }
        commit(transaction).await
    }

    /// Replaces the list of tags that are left out.
    pub async fn set_refused(&self, mirror_id: &str, refused: &[RefusedTag]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query("DELETE FROM refused_tags WHERE mirror_id = $1")
            .bind(mirror_id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("clear refused tags"))?;
        for RefusedTag { tag, reason } in refused {
            sqlx::query("INSERT INTO refused_tags (mirror_id, tag, reason) VALUES ($1, $2, $3)")
                .bind(mirror_id)
                .bind(tag)
                .bind(reason)
                .execute(&mut *transaction)
                .await
                .map_err(sql("note refused tag"))?;
        }
        commit(transaction).await
    }

    /// Lists the tags that are left out, in lexical order.
    pub async fn refused(&self, mirror_id: &str) -> Result<Vec<RefusedTag>, RecordsError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT tag, reason FROM refused_tags WHERE mirror_id = $1 ORDER BY tag")
                .bind(mirror_id)
                .fetch_all(self.records.read())
                .await
                .map_err(sql("list refused tags"))?;
        Ok(rows.into_iter().map(|(tag, reason)| RefusedTag { tag, reason }).collect())
    }
}
