//! Queueing a build: one waits for each subject at most, and a newer document takes the place of an older one.

use sqlx::AnyConnection;

use crate::records::jobs::{self, NewJob};
use crate::records::{Micros, RecordsError, sql, targets};

/// The job that runs the waiting build of a subject.
pub const BUILD_JOB: &str = "build";

/// A build that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBuild {
    /// Its id, and that of its job; later builds have higher ones.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// What is built again and again.
    pub subject: String,
    /// `customization` or `definition`.
    pub kind: &'static str,
    /// The target, for a customization.
    pub target_id: Option<String>,
    /// The customization with the version of its document.
    pub customization: Option<(String, i64)>,
    /// The definition with its text, where one is built.
    pub definition: Option<(String, String)>,
    /// Name of the customization or definition.
    pub name: String,
    /// Where the image goes.
    pub destination: String,
    /// Why, as a JSON list.
    pub causes: String,
    /// Higher goes first.
    pub priority: i64,
}

/// Id, version of the customization, text of the definition, causes and priority of a build that waits.
type Waiting = (String, Option<i64>, Option<String>, String, i64);

/// Queues a build; returns the id of the one that waits now: one with the same document takes up the causes.
///
/// The tags of a target that are held stay where they are, so its build waits without a job.
pub(in crate::records) async fn queue(
    connection: &mut AnyConnection,
    build: &NewBuild,
    at: Micros,
) -> Result<String, RecordsError> {
    let waiting: Option<Waiting> = sqlx::query_as(
        "SELECT id, customization_version, document, causes, priority FROM builds \
         WHERE subject = $1 AND state = 'queued' ORDER BY number DESC LIMIT 1",
    )
    .bind(&build.subject)
    .fetch_optional(&mut *connection)
    .await
    .map_err(sql("find waiting build"))?;
    let version = build.customization.as_ref().map(|(_, version)| *version);
    let text = build.definition.as_ref().map(|(_, text)| text);
    let id = match waiting {
        Some((id, known, known_text, causes, priority))
            if known == version && known_text.as_ref() == text =>
        {
            sqlx::query("UPDATE builds SET causes = $2, priority = $3, retry_at = NULL WHERE id = $1")
                .bind(&id)
                .bind(targets::joined(&causes, &build.causes)?)
                .bind(priority.max(build.priority))
                .execute(&mut *connection)
                .await
                .map_err(sql("add causes to a build"))?;
            id
        }
        _ => {
            sqlx::query(
                "UPDATE builds SET state = 'superseded', finished_at = $2 WHERE subject = $1 AND state = 'queued'",
            )
            .bind(&build.subject)
            .bind(at)
            .execute(&mut *connection)
            .await
            .map_err(sql("supersede builds"))?;
            insert(connection, build, at).await?;
            build.id.clone()
        }
    };
    let held = match &build.target_id {
        Some(target) => {
            targets::find(&mut *connection, target).await?.and_then(|target| target.held_build_id)
        }
        None => None,
    };
    if held.is_none() {
        let job = NewJob {
            id: build.id.clone(),
            kind: BUILD_JOB,
            subject: build.subject.clone(),
            payload: "{}".to_owned(),
            priority: build.priority,
            run_at: at,
        };
        jobs::enqueue(connection, &job, at).await?;
    }
    Ok(id)
}

/// Gives the build of a subject that waits without a job, if there is one, its job.
pub(super) async fn wake(
    connection: &mut AnyConnection,
    subject: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    let waiting: Option<(String, i64)> =
        sqlx::query_as("SELECT id, priority FROM builds WHERE subject = $1 AND state = 'queued'")
            .bind(subject)
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("find waiting build"))?;
    let Some((id, priority)) = waiting else { return Ok(()) };
    let (subject, payload) = (subject.to_owned(), "{}".to_owned());
    let job = NewJob { id, kind: BUILD_JOB, subject, payload, priority, run_at: at };
    jobs::enqueue(connection, &job, at).await.map(drop)
}

async fn insert(connection: &mut AnyConnection, build: &NewBuild, at: Micros) -> Result<(), RecordsError> {
    let (customization_id, version) = build.customization.clone().unzip();
    let (definition_id, document) = build.definition.clone().unzip();
    sqlx::query(
        "INSERT INTO builds (id, organization_id, subject, kind, target_id, customization_id, customization_version, \
         number, name, destination, causes, priority, state, attempts, is_publishing, is_cancelled, created_at, tags, \
         is_kept, definition_id, document) SELECT $1, $2, $3, $4, $5, $6, $7, COALESCE(MAX(number), 0) + 1, $8, $9, \
         $10, $11, 'queued', 0, 0, 0, $12, '[]', 1, $13, $14 FROM builds WHERE subject = $3",
    )
    .bind(&build.id)
    .bind(&build.organization_id)
    .bind(&build.subject)
    .bind(build.kind)
    .bind(&build.target_id)
    .bind(customization_id)
    .bind(version)
    .bind(&build.name)
    .bind(&build.destination)
    .bind(&build.causes)
    .bind(build.priority)
    .bind(at)
    .bind(definition_id)
    .bind(document)
    .execute(connection)
    .await
    .map_err(sql("queue build"))?;
    Ok(())
}
