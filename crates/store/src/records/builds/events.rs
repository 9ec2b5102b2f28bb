//! The log of a build.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::Builds;
use crate::records::{Micros, RecordsError, commit, sql};

/// How many events of one build are kept; what comes after is dropped.
pub const EVENTS_MAX: i64 = 10_000;

/// An event that is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Micros,
    /// `info`, `warning` or `error`.
    pub level: &'static str,
    /// The step of the build.
    pub step: String,
    /// The platform, where it happens for one.
    pub platform: Option<String>,
    /// What happens.
    pub message: String,
    /// How far a long part of the step is: done and total.
    pub progress: Option<(u64, u64)>,
    /// Whether progress counts bytes.
    pub is_bytes: bool,
}

/// An event of a build's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildEvent {
    /// Its place in the log, from 1.
    pub sequence: i64,
    /// When.
    pub at: Micros,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The step of the build.
    pub step: String,
    /// The platform, where it happens for one.
    pub platform: Option<String>,
    /// What happens.
    pub message: String,
    /// How far a long part of the step is: done and total.
    pub progress: Option<(u64, u64)>,
    /// Whether progress counts bytes.
    pub is_bytes: bool,
}

impl Builds {
    /// Adds events to the log of a build, as long as it has not more than [`EVENTS_MAX`]. A power cut may take them
    /// back.
    pub async fn note(&self, build_id: &str, events: &[NewEvent]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT CAST(MAX(sequence) AS BIGINT) FROM build_events WHERE build_id = $1")
                .bind(build_id)
                .fetch_one(&mut *transaction)
                .await
                .map_err(sql("find the end of a log"))?;
        let last = last.unwrap_or(0);
        for (event, sequence) in events.iter().zip(last + 1..=EVENTS_MAX) {
            let (done, total) = event.progress.unzip();
            sqlx::query(
                "INSERT INTO build_events (build_id, sequence, at, level, step, platform, message, done, total, \
                 is_bytes) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM builds WHERE id = $1",
            )
            .bind(build_id)
            .bind(sequence)
            .bind(event.at)
            .bind(event.level)
            .bind(&event.step)
            .bind(&event.platform)
            .bind(&event.message)
            .bind(done.map(u64::cast_signed))
            .bind(total.map(u64::cast_signed))
            .bind(i64::from(event.is_bytes))
            .execute(&mut *transaction)
            .await
            .map_err(sql("note event"))?;
        }
        commit(transaction).await
    }

    /// Lists at most `limit` events of a build's log after the one with the number `after`.
    pub async fn events(
        &self,
        build_id: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BuildEvent>, RecordsError> {
        sqlx::query_as(
            "SELECT * FROM build_events WHERE build_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        )
        .bind(build_id)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list events"))
    }
}

impl<'r> FromRow<'r, AnyRow> for BuildEvent {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let done: Option<i64> = row.try_get("done")?;
        let total: Option<i64> = row.try_get("total")?;
        Ok(Self {
            sequence: row.try_get("sequence")?,
            at: row.try_get("at")?,
            level: row.try_get("level")?,
            step: row.try_get("step")?,
            platform: row.try_get("platform")?,
            message: row.try_get("message")?,
            progress: done.map(i64::cast_unsigned).zip(total.map(i64::cast_unsigned)),
            is_bytes: row.try_get::<i64, _>("is_bytes")? != 0,
        })
    }
}
