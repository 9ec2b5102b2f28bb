//! Tags: names that move.

use sqlx::AnyConnection;
use temper_oci::Digest;

use super::manifests::{digest_from, parse_digest};
use super::{Micros, RecordsError, Repositories, commit, repositories, sql};

impl Repositories {
    /// Lists at most `limit` tags after `after`, in lexical (byte) order.
    pub async fn list_tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT t.name FROM tags t JOIN repositories r ON r.id = t.repository_id \
             WHERE r.name = $1 AND t.name > $2 ORDER BY t.name LIMIT $3",
        )
        .bind(repository)
        .bind(super::after(after))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list tags"))
    }

    /// Lists at most `limit` tags after `after` with where they point, in lexical (byte) order.
    pub async fn list_tag_digests(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Digest)>, RecordsError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT t.name, t.digest FROM tags t JOIN repositories r ON r.id = t.repository_id \
             WHERE r.name = $1 AND t.name > $2 ORDER BY t.name LIMIT $3",
        )
        .bind(repository)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list tags"))?;
        rows.into_iter().map(|(tag, text)| Ok((tag, parse_digest(text, "tags.digest")?))).collect()
    }

    /// Removes a tag and returns where it pointed; the manifest stays, and counts as touched.
    pub async fn remove_tag(
        &self,
        repository: &str,
        tag: &str,
        at: Micros,
    ) -> Result<Option<Digest>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(id) = repositories::find(&mut transaction, repository).await? else { return Ok(None) };
        touch_tagged(&mut transaction, id, tag, None, at).await?;
        let row = sqlx::query("DELETE FROM tags WHERE repository_id = $1 AND name = $2 RETURNING digest")
            .bind(id)
            .bind(tag)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(sql("remove tag"))?;
        commit(transaction).await?;
        row.map(|row| digest_from(&row, "digest", "tags.digest")).transpose()
    }
}

/// Lists the tags that point to a manifest or to an index that leads to it, with where they point; in lexical order.
pub(super) async fn list_leading_to(
    connection: &mut AnyConnection,
    repository: &str,
    digest: Digest,
) -> Result<Vec<(String, Digest)>, RecordsError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "WITH RECURSIVE holders (repository_id, digest) AS (\
         SELECT f.repository_id, f.digest FROM manifest_references f JOIN repositories r \
         ON r.id = f.repository_id WHERE r.name = $1 AND f.target = $2 AND f.kind = 'manifest' \
         UNION SELECT f.repository_id, f.digest FROM manifest_references f JOIN holders h \
         ON f.repository_id = h.repository_id AND f.target = h.digest AND f.kind = 'manifest') \
         SELECT t.name, t.digest FROM repositories r JOIN tags t ON t.repository_id = r.id \
         WHERE r.name = $1 AND t.digest IN (SELECT digest FROM holders UNION SELECT $2) ORDER BY t.name",
    )
    .bind(repository)
    .bind(digest.to_string())
    .fetch_all(connection)
    .await
    .map_err(sql("list tags that lead to a manifest"))?;
    rows.into_iter().map(|(tag, digest)| Ok((tag, parse_digest(digest, "tags.digest")?))).collect()
}

/// Returns where a tag points.
pub(super) async fn find(
    connection: &mut AnyConnection,
    repository_id: i64,
    tag: &str,
) -> Result<Option<Digest>, RecordsError> {
    let row = sqlx::query("SELECT digest FROM tags WHERE repository_id = $1 AND name = $2")
        .bind(repository_id)
        .bind(tag)
        .fetch_optional(connection)
        .await
        .map_err(sql("find tag"))?;
    row.map(|row| digest_from(&row, "digest", "tags.digest")).transpose()
}

/// Points one tag inside a transaction; `(id, name)` is the repository.
pub(super) async fn point(
    connection: &mut AnyConnection,
    (repository_id, repository): (i64, &str),
    tag: &str,
    digest: Digest,
    at: Micros,
) -> Result<(), RecordsError> {
    touch_tagged(&mut *connection, repository_id, tag, Some(digest), at).await?;
    sqlx::query(
        "INSERT INTO tags (repository_id, name, digest, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at",
    )
    .bind(repository_id)
    .bind(tag)
    .bind(digest.to_string())
    .bind(at)
    .execute(connection)
    .await
    .map_err(|source| match &source {
        sqlx::Error::Database(database) if database.is_foreign_key_violation() => {
            RecordsError::UnknownManifest { repository: repository.to_owned(), tag: tag.to_owned(), digest }
        }
        _ => RecordsError::Sql { operation: "move tag", source },
    })?;
    Ok(())
}

/// Notes when a manifest loses a tag: pods that were started by the tag and pinned its digest need it for a while.
async fn touch_tagged(
    connection: &mut AnyConnection,
    repository_id: i64,
    tag: &str,
    next: Option<Digest>,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query(
        "UPDATE manifests SET touched_at = $4 WHERE repository_id = $1 AND digest <> $3 \
         AND digest = (SELECT digest FROM tags WHERE repository_id = $1 AND name = $2)",
    )
    .bind(repository_id)
    .bind(tag)
    .bind(next.map_or_else(String::new, |digest| digest.to_string()))
    .bind(at)
    .execute(connection)
    .await
    .map_err(sql("touch manifest"))?;
    Ok(())
}
