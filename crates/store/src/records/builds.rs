//! Builds: queued, run by one worker at a time, and kept with what came of them.
//!
//! Each take of a build counts as an attempt, and everything that a worker writes names its attempt: who lost the
//! build to another worker changes nothing any more.

mod events;
mod finish;
mod publication;
mod queue;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::{Micros, Records, RecordsError, commit, sql};

pub use events::{BuildEvent, EVENTS_MAX, NewEvent};
pub use finish::{BuildInput, Finish, Retention, Success};
pub use publication::{Cancelled, Held, Verdict};
pub(super) use queue::queue;
pub use queue::{BUILD_JOB, NewBuild};

/// The builds' records.
#[derive(Clone, Debug)]
pub struct Builds {
    pub(super) records: Records,
}

/// The states of a build, as they are stored.
pub mod build_state {
    /// It waits for a worker, perhaps again.
    pub const QUEUED: &str = "queued";
    /// A worker is at it.
    pub const RUNNING: &str = "running";
    /// Its image is published.
    pub const SUCCEEDED: &str = "succeeded";
    /// It ended without an image.
    pub const FAILED: &str = "failed";
    /// Something newer took its place.
    pub const SUPERSEDED: &str = "superseded";
    /// No input had changed.
    pub const UNCHANGED: &str = "unchanged";
    /// Somebody ended it.
    pub const CANCELLED: &str = "cancelled";
}

/// A build as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRecord {
    /// Its id; later builds have higher ones.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// What is built again and again: a target's id, or the name of what a mirror builds.
    pub subject: String,
    /// `customization` or `definition`.
    pub kind: String,
    /// The target, for a customization.
    pub target_id: Option<String>,
    /// The customization.
    pub customization_id: Option<String>,
    /// The version of its document that is built.
    pub customization_version: Option<i64>,
    /// The definition, where one is built.
    pub definition_id: Option<String>,
    /// The definition's text.
    pub document: Option<String>,
    /// Counts the builds of the subject, from 1.
    pub number: i64,
    /// Name of the customization or definition.
    pub name: String,
    /// Where the image goes.
    pub destination: String,
    /// Why it runs, as JSON.
    pub causes: String,
    /// Higher goes first.
    pub priority: i64,
    /// See [`build_state`].
    pub state: String,
    /// The step that it is at, or ended at.
    pub step: Option<String>,
    /// How often a worker took it.
    pub attempts: i64,
    /// When it is tried again.
    pub retry_at: Option<Micros>,
    /// Whether its tags are moving.
    pub is_publishing: bool,
    /// Whether somebody wants it to stop.
    pub is_cancelled: bool,
    /// When it was queued.
    pub created_at: Micros,
    /// When a worker first took it.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// The last build before it that succeeded.
    pub previous_id: Option<String>,
    /// Digest over its inputs.
    pub build_key: Option<String>,
    /// Digest of its image.
    pub digest: Option<String>,
    /// The tags that it wrote, as JSON.
    pub tags: String,
    /// Its plan, as JSON.
    pub plan: Option<String>,
    /// What its image is made of, as JSON.
    pub content: Option<String>,
    /// What differs from the build before, as JSON.
    pub changes: Option<String>,
    /// Why it failed, or failed last, as JSON.
    pub error: Option<String>,
    /// The numbers that it gave to users and groups of packages, as JSON.
    pub automatic_ids: Option<String>,
    /// Whether its image stays although no tag points to it.
    pub is_kept: bool,
}

/// Which builds are listed.
#[derive(Clone, Debug, Default)]
pub struct BuildFilter {
    /// Those of an organization.
    pub organization_id: Option<String>,
    /// Those of a customization.
    pub customization_id: Option<String>,
    /// Those of a subject.
    pub subject: Option<String>,
    /// Those that write to a repository.
    pub destination: Option<String>,
    /// Those in a state.
    pub state: Option<String>,
}

impl Records {
    /// Returns the records of builds.
    pub fn builds(&self) -> Builds {
        Builds { records: self.clone() }
    }
}

impl Builds {
    /// Returns a build by its id.
    pub async fn find(&self, id: &str) -> Result<Option<BuildRecord>, RecordsError> {
        sqlx::query_as("SELECT * FROM builds WHERE id = $1")
            .bind(id)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find build"))
    }

    /// Returns the newest build of a subject that succeeded.
    pub async fn last_succeeded(&self, subject: &str) -> Result<Option<BuildRecord>, RecordsError> {
        let mut connection = self.records.read().acquire().await.map_err(sql("find build"))?;
        last_succeeded(&mut connection, subject).await
    }

    /// Returns the newest build of a subject, whatever became of it.
    pub async fn last(&self, subject: &str) -> Result<Option<BuildRecord>, RecordsError> {
        sqlx::query_as("SELECT * FROM builds WHERE subject = $1 ORDER BY number DESC LIMIT 1")
            .bind(subject)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find build"))
    }

    /// Lists at most `limit` builds before the one with the id `before`, the newest first.
    pub async fn list(
        &self,
        filter: &BuildFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BuildRecord>, RecordsError> {
        sqlx::query_as(
            "SELECT * FROM builds WHERE ($1 = '' OR id < $1) AND ($2 = '' OR organization_id = $2) \
             AND ($3 = '' OR customization_id = $3) AND ($4 = '' OR subject = $4) \
             AND ($5 = '' OR destination = $5) AND ($6 = '' OR state = $6) ORDER BY id DESC LIMIT $7",
        )
        .bind(before.unwrap_or(""))
        .bind(filter.organization_id.as_deref().unwrap_or(""))
        .bind(filter.customization_id.as_deref().unwrap_or(""))
        .bind(filter.subject.as_deref().unwrap_or(""))
        .bind(filter.destination.as_deref().unwrap_or(""))
        .bind(filter.state.as_deref().unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list builds"))
    }

    /// Takes the newest waiting build of a subject, or the one that a worker left; older ones are superseded by it.
    pub async fn start(&self, subject: &str, at: Micros) -> Result<Option<BuildRecord>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let waiting: Option<String> = sqlx::query_scalar(
            "SELECT id FROM builds WHERE subject = $1 AND state IN ('queued', 'running') \
             ORDER BY number DESC LIMIT 1",
        )
        .bind(subject)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("find waiting build"))?;
        let Some(id) = waiting else { return Ok(None) };
        sqlx::query(
            "UPDATE builds SET state = 'superseded', finished_at = $3 \
             WHERE subject = $1 AND state IN ('queued', 'running') AND id <> $2",
        )
        .bind(subject)
        .bind(&id)
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("supersede builds"))?;
        let previous = last_succeeded(&mut transaction, subject).await?.map(|build| build.id);
        sqlx::query(
            "UPDATE builds SET state = 'running', attempts = attempts + 1, started_at = COALESCE(started_at, $2), \
             retry_at = NULL, is_publishing = 0, previous_id = $3, step = 'resolve' WHERE id = $1",
        )
        .bind(&id)
        .bind(at)
        .bind(previous)
        .execute(&mut *transaction)
        .await
        .map_err(sql("start build"))?;
        let build = find(&mut transaction, &id).await?;
        commit(transaction).await?;
        Ok(build)
    }

    /// Queues a build in a transaction of its own; returns the id of the build that waits now.
    pub async fn queue(
        &self,
        build: &NewBuild,
        audit: Option<super::audit::AuditEvent>,
        at: Micros,
    ) -> Result<String, RecordsError> {
        let mut transaction = self.records.write().await?;
        let id = queue(&mut transaction, build, at).await?;
        if let Some(audit) = audit {
            super::audit::note(&mut transaction, audit).await?;
        }
        commit(transaction).await?;
        Ok(id)
    }

    /// Counts the builds in each state.
    pub async fn count(&self) -> Result<Vec<(String, i64)>, RecordsError> {
        sqlx::query_as("SELECT state, COUNT(*) FROM builds GROUP BY state ORDER BY state")
            .fetch_all(self.records.read())
            .await
            .map_err(sql("count builds"))
    }
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<BuildRecord>, RecordsError> {
    sqlx::query_as("SELECT * FROM builds WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(sql("find build"))
}

async fn last_succeeded(
    connection: &mut AnyConnection,
    subject: &str,
) -> Result<Option<BuildRecord>, RecordsError> {
    sqlx::query_as(
        "SELECT * FROM builds WHERE subject = $1 AND state = 'succeeded' ORDER BY number DESC LIMIT 1",
    )
    .bind(subject)
    .fetch_optional(connection)
    .await
    .map_err(sql("find build"))
}

impl<'r> FromRow<'r, AnyRow> for BuildRecord {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let flag = |column: &str| row.try_get::<i64, _>(column).map(|value| value != 0);
        Ok(Self {
            id: row.try_get("id")?,
            organization_id: row.try_get("organization_id")?,
            subject: row.try_get("subject")?,
            kind: row.try_get("kind")?,
            target_id: row.try_get("target_id")?,
            customization_id: row.try_get("customization_id")?,
            customization_version: row.try_get("customization_version")?,
            definition_id: row.try_get("definition_id")?,
            document: row.try_get("document")?,
            number: row.try_get("number")?,
            name: row.try_get("name")?,
            destination: row.try_get("destination")?,
            causes: row.try_get("causes")?,
            priority: row.try_get("priority")?,
            state: row.try_get("state")?,
            step: row.try_get("step")?,
            attempts: row.try_get("attempts")?,
            retry_at: row.try_get("retry_at")?,
            is_publishing: flag("is_publishing")?,
            is_cancelled: flag("is_cancelled")?,
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
            previous_id: row.try_get("previous_id")?,
            build_key: row.try_get("build_key")?,
            digest: row.try_get("digest")?,
            tags: row.try_get("tags")?,
            plan: row.try_get("plan")?,
            content: row.try_get("content")?,
            changes: row.try_get("changes")?,
            error: row.try_get("error")?,
            automatic_ids: row.try_get("automatic_ids")?,
            is_kept: flag("is_kept")?,
        })
    }
}
