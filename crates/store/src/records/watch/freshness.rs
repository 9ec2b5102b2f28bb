//! Freshness: how long it took from a change to the tags that answer to it.

use sqlx::AnyConnection;

use super::super::{Micros, RecordsError, commit, sql};
use super::{Noticed, Watch};

/// A change with its times.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TimedChange {
    /// Its id.
    pub id: String,
    /// The repository whose tags are to move.
    pub repository: String,
    /// The target, or the subject of a definition's builds.
    pub subject: String,
    /// `base`, `artifact` or `package`.
    pub cause: String,
    /// When it was published, as far as is known.
    pub event_at: Micros,
    /// When that was noticed.
    pub noticed_at: Micros,
    /// When a pause or a window let the rebuild go; nothing where it waits for that.
    pub released_at: Option<Micros>,
    /// When the tags moved.
    pub moved_at: Option<Micros>,
}

impl Watch {
    /// Notes a change that the builds of a definition answer to.
    pub async fn notice_definition(
        &self,
        id: &str,
        repository: &str,
        subject: &str,
        at: Micros,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        insert(&mut transaction, (id, repository, subject, "package"), (at, at, Some(at))).await?;
        commit(transaction).await
    }

    /// Notes that the tags of a subject moved: every change that waited for it is answered.
    pub async fn moved(&self, subject: &str, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("UPDATE freshness SET moved_at = $2 WHERE subject = $1 AND moved_at IS NULL")
            .bind(subject)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note moved tags"))?;
        commit(transaction).await
    }

    /// Forgets changes that changed nothing, that nobody answers to any more, and those of before `before`.
    pub async fn settle(&self, before: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query(
            "DELETE FROM freshness WHERE event_at < $1 OR (moved_at IS NULL AND (\
             EXISTS (SELECT 1 FROM targets t WHERE t.id = freshness.subject AND t.check_outcome = 'unchanged' \
             AND t.checked_at >= COALESCE(freshness.released_at, freshness.noticed_at)) \
             OR EXISTS (SELECT 1 FROM builds b WHERE b.subject = freshness.subject AND b.state = 'unchanged' \
             AND b.created_at >= freshness.noticed_at) \
             OR NOT EXISTS (SELECT 1 FROM targets t WHERE t.id = freshness.subject) \
             AND NOT EXISTS (SELECT 1 FROM builds b WHERE b.subject = freshness.subject)))",
        )
        .bind(before)
        .execute(&mut *transaction)
        .await
        .map_err(sql("settle freshness"))?;
        commit(transaction).await
    }

    /// Lists at most `limit` changes of a repository since `since`, newest first.
    pub async fn changes(
        &self,
        repository: &str,
        since: Micros,
        limit: u32,
    ) -> Result<Vec<TimedChange>, RecordsError> {
        sqlx::query_as(
            "SELECT id, repository, subject, cause, event_at, noticed_at, released_at, moved_at FROM freshness \
             WHERE repository = $1 AND event_at >= $2 ORDER BY event_at DESC, id DESC LIMIT $3",
        )
        .bind(repository)
        .bind(since)
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list changes"))
    }

    /// Returns the changes of before `before` that wait still and that nobody was told of, and notes that they are told.
    pub async fn take_late(&self, before: Micros, at: Micros) -> Result<Vec<TimedChange>, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let late = sqlx::query_as(
            "UPDATE freshness SET told_at = $2 WHERE moved_at IS NULL AND told_at IS NULL AND event_at < $1 \
             RETURNING id, repository, subject, cause, event_at, noticed_at, released_at, moved_at",
        )
        .bind(before)
        .bind(at)
        .fetch_all(&mut *transaction)
        .await
        .map_err(sql("find late changes"))?;
        commit(transaction).await?;
        Ok(late)
    }
}

pub(super) async fn add(
    connection: &mut AnyConnection,
    change: &Noticed,
    repository: &str,
    runs: bool,
    at: Micros,
) -> Result<(), RecordsError> {
    let names = (change.id.as_str(), repository, change.check.target_id.as_str(), change.cause);
    insert(connection, names, (change.event_at, at, runs.then_some(at))).await
}

/// `names` are id, repository, subject and cause; `times` those of event, notice and release.
async fn insert(
    connection: &mut AnyConnection,
    (id, repository, subject, cause): (&str, &str, &str, &str),
    (event_at, noticed_at, released_at): (Micros, Micros, Option<Micros>),
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO freshness (id, repository, subject, cause, event_at, noticed_at, released_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(repository)
    .bind(subject)
    .bind(cause)
    .bind(event_at)
    .bind(noticed_at)
    .bind(released_at)
    .execute(connection)
    .await
    .map_err(sql("note change"))?;
    Ok(())
}

pub(super) async fn release(
    connection: &mut AnyConnection,
    subject: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query("UPDATE freshness SET released_at = $2 WHERE subject = $1 AND moved_at IS NULL AND released_at IS NULL")
        .bind(subject)
        .bind(at)
        .execute(connection)
        .await
        .map_err(sql("release change"))?;
    Ok(())
}
