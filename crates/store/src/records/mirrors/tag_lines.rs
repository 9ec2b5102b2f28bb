//! Tag lines: the tags of a repository that move together.

use super::super::{RecordsError, commit, sql};
use super::{Mirrors, read_list, write_list};

/// A line of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagLine {
    /// What names it: the definition's path, `python/debian-13/3.13`.
    pub tag_definition_id: String,
    /// Its tags, in the order of the definition.
    pub tags: Vec<String>,
}

impl Mirrors {
    /// Replaces what is known of a repository's lines.
    pub async fn set_tag_lines(&self, repository: &str, lines: &[TagLine]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query("DELETE FROM repository_tag_lines WHERE repository = $1")
            .bind(repository)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove tag lines"))?;
        for line in lines {
            sqlx::query(
                "INSERT INTO repository_tag_lines (repository, tag_definition_id, tags) VALUES ($1, $2, $3)",
            )
            .bind(repository)
            .bind(&line.tag_definition_id)
            .bind(write_list(&line.tags))
            .execute(&mut *transaction)
            .await
            .map_err(sql("add tag line"))?;
        }
        commit(transaction).await
    }

    /// Returns the tags of a line of a repository, if there is such a line.
    pub async fn tag_line(
        &self,
        repository: &str,
        tag_definition_id: &str,
    ) -> Result<Option<Vec<String>>, RecordsError> {
        let tags: Option<String> = sqlx::query_scalar(
            "SELECT tags FROM repository_tag_lines WHERE repository = $1 AND tag_definition_id = $2",
        )
        .bind(repository)
        .bind(tag_definition_id)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find tag line"))?;
        tags.map(|tags| read_list("repository_tag_lines.tags", tags)).transpose()
    }

    /// Lists the lines of a repository by id.
    pub async fn tag_lines(&self, repository: &str) -> Result<Vec<TagLine>, RecordsError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT tag_definition_id, tags FROM repository_tag_lines WHERE repository = $1 ORDER BY tag_definition_id",
        )
        .bind(repository)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list tag lines"))?;
        let line = |(tag_definition_id, tags)| {
            let tags = read_list("repository_tag_lines.tags", tags)?;
            Ok(TagLine { tag_definition_id, tags })
        };
        rows.into_iter().map(line).collect()
    }
}
