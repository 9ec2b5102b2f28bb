//! Mirrors: which repository follows which upstream, which tags it wrote, and how its last look went.

mod runs;
mod tag_lines;
mod upstream_tags;

use sqlx::{AnyConnection, AssertSqlSafe};

use super::audit::{self, AuditEvent};
use super::jobs::{self, NewJob};
use super::{Micros, Records, RecordsError, commit, sql};

pub use tag_lines::TagLine;
pub use upstream_tags::{RefusedTag, UpstreamTag};

/// What every query for mirrors reads.
const COLUMNS: &str = "id, organization_id, repository, kind, source, allow_patterns, deny_patterns, verify_keys, \
    created_at, created_by, stopped_at, interval_micros, next_at, started_at, finished_at, succeeded_at, progress, \
    failure";

/// The mirrors' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Mirrors {
    records: Records,
}

/// A mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorRecord {
    /// Its id.
    pub id: String,
    /// The organization that owns it.
    pub organization_id: String,
    /// The repository that is kept equal.
    pub repository: String,
    /// `registry` or `definitions`.
    pub kind: String,
    /// The upstream repository with its registry, or the beginning of the definitions' ids.
    pub source: String,
    /// Patterns of the tags that come in; all where empty.
    pub allow: Vec<String>,
    /// Patterns of those of them that stay out.
    pub deny: Vec<String>,
    /// PEM texts of keys, one of which must have signed what comes in; anything comes in where empty.
    pub verify_keys: Vec<String>,
    /// When it was started.
    pub created_at: Micros,
    /// Who started it.
    pub created_by: String,
    /// When it was stopped.
    pub stopped_at: Option<Micros>,
    /// How often the upstream is looked at.
    pub interval: Micros,
    /// When it is looked at next.
    pub next_at: Micros,
    /// When the last look began.
    pub started_at: Option<Micros>,
    /// When the last look ended.
    pub finished_at: Option<Micros>,
    /// When a look last ended well.
    pub succeeded_at: Option<Micros>,
    /// How far the last look came, as JSON.
    pub progress: Option<String>,
    /// Why the last look failed.
    pub failure: Option<String>,
}

/// A mirror that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMirror {
    /// Its id.
    pub id: String,
    /// The organization that owns it.
    pub organization_id: String,
    /// The repository that is kept equal.
    pub repository: String,
    /// `registry` or `definitions`.
    pub kind: String,
    /// The upstream repository with its registry, or the beginning of the definitions' ids.
    pub source: String,
    /// Patterns of the tags that come in; all where empty.
    pub allow: Vec<String>,
    /// Patterns of those of them that stay out.
    pub deny: Vec<String>,
    /// PEM texts of keys.
    pub verify_keys: Vec<String>,
    /// Who starts it.
    pub created_by: String,
    /// How often the upstream is looked at.
    pub interval: Micros,
}

/// What became of the wish to start a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is there, and its first look is queued.
    Started,
    /// The repository follows another upstream already.
    Taken(Box<MirrorRecord>),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    organization_id: String,
    repository: String,
    kind: String,
    source: String,
    allow_patterns: String,
    deny_patterns: String,
    verify_keys: String,
    created_at: Micros,
    created_by: String,
    stopped_at: Option<Micros>,
    interval_micros: Micros,
    next_at: Micros,
    started_at: Option<Micros>,
    finished_at: Option<Micros>,
    succeeded_at: Option<Micros>,
    progress: Option<String>,
    failure: Option<String>,
}

impl Row {
    fn record(self) -> Result<MirrorRecord, RecordsError> {
        Ok(MirrorRecord {
            id: self.id,
            organization_id: self.organization_id,
            repository: self.repository,
            kind: self.kind,
            source: self.source,
            allow: read_list("mirrors.allow_patterns", self.allow_patterns)?,
            deny: read_list("mirrors.deny_patterns", self.deny_patterns)?,
            verify_keys: read_list("mirrors.verify_keys", self.verify_keys)?,
            created_at: self.created_at,
            created_by: self.created_by,
            stopped_at: self.stopped_at,
            interval: self.interval_micros,
            next_at: self.next_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            succeeded_at: self.succeeded_at,
            progress: self.progress,
            failure: self.failure,
        })
    }
}

/// Reads a JSON list of texts.
pub(super) fn read_list(column: &'static str, value: String) -> Result<Vec<String>, RecordsError> {
    serde_json::from_str(&value).map_err(|_| RecordsError::Inconsistent { column, value })
}

/// Writes a JSON list of texts.
pub(super) fn write_list(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}

impl Records {
    /// Returns the records of mirrors.
    pub fn mirrors(&self) -> Mirrors {
        Mirrors { records: self.clone() }
    }
}

impl Mirrors {
    /// Starts a mirror and queues its first look, unless its repository follows an upstream already.
    ///
    /// Tags that an earlier mirror of the same upstream wrote there become its own.
    pub async fn start(
        &self,
        mirror: &NewMirror,
        job: &NewJob,
        event: AuditEvent,
        at: Micros,
    ) -> Result<Started, RecordsError> {
        let mut transaction = self.records.write().await?;
        if let Some(taken) = find_active(&mut transaction, &mirror.repository).await? {
            return Ok(Started::Taken(Box::new(taken)));
        }
        sqlx::query(
            "INSERT INTO mirrors (id, organization_id, repository, kind, source, allow_patterns, deny_patterns, \
             verify_keys, created_at, created_by, interval_micros, next_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&mirror.id)
        .bind(&mirror.organization_id)
        .bind(&mirror.repository)
        .bind(&mirror.kind)
        .bind(&mirror.source)
        .bind(write_list(&mirror.allow))
        .bind(write_list(&mirror.deny))
        .bind(write_list(&mirror.verify_keys))
        .bind(at)
        .bind(&mirror.created_by)
        .bind(mirror.interval)
        .bind(at.saturating_add(mirror.interval))
        .execute(&mut *transaction)
        .await
        .map_err(sql("add mirror"))?;
        sqlx::query(
            "UPDATE upstream_tags SET mirror_id = $1 WHERE mirror_id = (SELECT id FROM mirrors \
             WHERE repository = $2 AND source = $3 AND kind = $4 AND stopped_at IS NOT NULL \
             ORDER BY stopped_at DESC, id DESC LIMIT 1)",
        )
        .bind(&mirror.id)
        .bind(&mirror.repository)
        .bind(&mirror.source)
        .bind(&mirror.kind)
        .execute(&mut *transaction)
        .await
        .map_err(sql("adopt tags"))?;
        jobs::enqueue(&mut transaction, job, at).await?;
        audit::note(&mut transaction, event).await?;
        commit(transaction).await?;
        Ok(Started::Started)
    }

    /// Stops a mirror; what is there stays. Says whether it was running.
    pub async fn stop(&self, id: &str, event: AuditEvent, at: Micros) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let stopped = sqlx::query("UPDATE mirrors SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL")
            .bind(id)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("stop mirror"))?;
        if stopped.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await?;
        Ok(true)
    }

    /// Queues a look at a mirror's upstream now, at somebody's wish.
    pub async fn request(&self, job: &NewJob, event: AuditEvent, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        jobs::enqueue(&mut transaction, job, at).await?;
        audit::note(&mut transaction, event).await?;
        commit(transaction).await
    }

    /// Returns a mirror, a stopped one too.
    pub async fn find(&self, id: &str) -> Result<Option<MirrorRecord>, RecordsError> {
        let row: Option<Row> =
            sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM mirrors WHERE id = $1")))
                .bind(id)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find mirror"))?;
        row.map(Row::record).transpose()
    }

    /// Returns the mirror that a repository follows, if it follows one.
    pub async fn of_repository(&self, repository: &str) -> Result<Option<MirrorRecord>, RecordsError> {
        let mut connection = self.records.read().acquire().await.map_err(sql("find mirror"))?;
        find_active(&mut connection, repository).await
    }

    /// Lists the running mirrors that follow an upstream.
    pub async fn of_source(&self, kind: &str, source: &str) -> Result<Vec<MirrorRecord>, RecordsError> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM mirrors WHERE kind = $1 AND source = $2 AND stopped_at IS NULL ORDER BY repository"
        )))
        .bind(kind)
        .bind(source)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list mirrors"))?;
        rows.into_iter().map(Row::record).collect()
    }

    /// Lists at most `limit` running mirrors of an organization, by repository after `after`.
    pub async fn list(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<MirrorRecord>, RecordsError> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM mirrors WHERE organization_id = $1 AND stopped_at IS NULL AND repository > $2 \
             ORDER BY repository LIMIT $3"
        )))
        .bind(organization_id)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list mirrors"))?;
        rows.into_iter().map(Row::record).collect()
    }
}

async fn find_active(
    connection: &mut AnyConnection,
    repository: &str,
) -> Result<Option<MirrorRecord>, RecordsError> {
    let query = format!("SELECT {COLUMNS} FROM mirrors WHERE repository = $1 AND stopped_at IS NULL");
    let row: Option<Row> = sqlx::query_as(AssertSqlSafe(query))
        .bind(repository)
        .fetch_optional(connection)
        .await
        .map_err(sql("find mirror"))?;
    row.map(Row::record).transpose()
}
