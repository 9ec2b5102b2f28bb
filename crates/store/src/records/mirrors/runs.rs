//! Looks at upstreams: when they are due, how far they came, how they ended.

use sqlx::AssertSqlSafe;

use super::super::jobs::{self, NewJob};
use super::super::{Micros, RecordsError, commit, sql};
use super::{COLUMNS, MirrorRecord, Mirrors, Row};

/// Most mirrors whose looks are queued in one transaction.
const DUE_MAX: i64 = 100;

impl Mirrors {
    /// Queues the looks that are due, each with the job that `job` makes of its mirror; says how many.
    pub async fn queue_due(
        &self,
        at: Micros,
        mut job: impl FnMut(&MirrorRecord) -> NewJob,
    ) -> Result<usize, RecordsError> {
        let mut transaction = self.records.write().await?;
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM mirrors WHERE stopped_at IS NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2"
        )))
        .bind(at)
        .bind(DUE_MAX)
        .fetch_all(&mut *transaction)
        .await
        .map_err(sql("list due mirrors"))?;
        let queued = rows.len();
        for row in rows {
            let mirror = row.record()?;
            jobs::enqueue(&mut transaction, &job(&mirror), at).await?;
            sqlx::query("UPDATE mirrors SET next_at = $2 WHERE id = $1")
                .bind(&mirror.id)
                .bind(at.saturating_add(mirror.interval))
                .execute(&mut *transaction)
                .await
                .map_err(sql("put off mirror"))?;
        }
        commit(transaction).await?;
        Ok(queued)
    }

    /// Notes that a look began.
    pub async fn begin_run(&self, id: &str, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("UPDATE mirrors SET started_at = $2, finished_at = NULL, progress = NULL WHERE id = $1")
            .bind(id)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("begin look"))?;
        commit(transaction).await
    }

    /// Notes how far a look has come, as JSON; says whether the mirror still runs.
    pub async fn note_progress(&self, id: &str, progress: &str) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let noted = sqlx::query("UPDATE mirrors SET progress = $2 WHERE id = $1 AND stopped_at IS NULL")
            .bind(id)
            .bind(progress)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note progress"))?;
        commit(transaction).await?;
        Ok(noted.rows_affected() > 0)
    }

    /// Notes how a look ended: with nothing, or with why it failed. Without a progress the last one stays.
    pub async fn end_run(
        &self,
        id: &str,
        progress: Option<&str>,
        failure: Option<&str>,
        at: Micros,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(
            "UPDATE mirrors SET finished_at = $2, progress = COALESCE($3, progress), failure = $4, \
             succeeded_at = CASE WHEN $5 = 1 THEN $2 ELSE succeeded_at END WHERE id = $1",
        )
        .bind(id)
        .bind(at)
        .bind(progress)
        .bind(failure)
        .bind(i64::from(failure.is_none()))
        .execute(&mut *transaction)
        .await
        .map_err(sql("end look"))?;
        commit(transaction).await
    }
}
