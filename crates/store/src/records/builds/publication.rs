//! The right to move tags: who has it, who takes it away, and who holds tags where they are.

use sqlx::AnyConnection;

use super::{BuildRecord, Builds, build_state, find, queue};
use crate::records::audit::{self, AuditEvent};
use crate::records::targets;
use crate::records::{Micros, RecordsError, commit, sql};

/// What stands in the way of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the tags may move.
    Publish,
    /// Another worker has the build.
    Lost,
    /// Somebody wants it to stop.
    Cancelled,
    /// The document was changed, the target is gone, or its tags are held.
    Superseded,
}

/// What became of the wish to end a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It has ended.
    Ended,
    /// Its worker ends it at the next step.
    Asked,
    /// Its tags are moving already, or it has ended before.
    TooLate,
}

/// What became of the wish to hold tags at a build, or to let them go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is so.
    Done,
    /// The target is gone.
    Gone,
    /// A build is moving the tags now.
    Publishing,
}

impl Builds {
    /// Notes the step that a build is at; says whether it goes on.
    pub async fn step(&self, id: &str, attempt: i64, step: &str) -> Result<Verdict, RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let verdict = verdict(&mut transaction, id, attempt).await?.1;
        sqlx::query("UPDATE builds SET step = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'")
            .bind(id)
            .bind(attempt)
            .bind(step)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note step"))?;
        commit(transaction).await?;
        Ok(verdict)
    }

    /// Asks for the right to move these tags of a build; from then on nothing gets in between until it ends.
    ///
    /// Where somebody else claimed one of the tags meanwhile, the build counts as lost: another attempt leaves it out.
    pub async fn begin_publication(
        &self,
        id: &str,
        attempt: i64,
        tags: &[String],
        at: Micros,
    ) -> Result<Verdict, RecordsError> {
        let mut transaction = self.records.write().await?;
        let (build, verdict) = verdict(&mut transaction, id, attempt).await?;
        let Some(build) = build.filter(|_| verdict == Verdict::Publish) else { return Ok(verdict) };
        if let Some(target_id) = &build.target_id {
            let taken = targets::claim(&mut transaction, (target_id, &build.destination), tags, at).await?;
            if !taken.is_empty() {
                return Ok(Verdict::Lost);
            }
        }
        sqlx::query("UPDATE builds SET is_publishing = 1 WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("begin publication"))?;
        commit(transaction).await?;
        Ok(verdict)
    }

    /// Ends a build, at once or at its next step.
    pub async fn cancel(&self, id: &str, audit: AuditEvent, at: Micros) -> Result<Cancelled, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(build) = find(&mut transaction, id).await? else { return Ok(Cancelled::TooLate) };
        let (statement, cancelled) = match build.state.as_str() {
            build_state::QUEUED => (
                "UPDATE builds SET state = 'cancelled', is_cancelled = 1, finished_at = $2, retry_at = NULL \
                 WHERE id = $1",
                Cancelled::Ended,
            ),
            build_state::RUNNING if !build.is_publishing => {
                ("UPDATE builds SET is_cancelled = 1 WHERE id = $1 AND $2 > 0", Cancelled::Asked)
            }
            _ => return Ok(Cancelled::TooLate),
        };
        sqlx::query(statement)
            .bind(id)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("cancel build"))?;
        audit::note(&mut transaction, audit).await?;
        commit(transaction).await?;
        Ok(cancelled)
    }

    /// Holds the tags of a target at the result of a build, or lets them go; the tags follow by a job.
    pub async fn hold(
        &self,
        target_id: &str,
        build: Option<&BuildRecord>,
        audit: AuditEvent,
        at: Micros,
    ) -> Result<Held, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(target) = targets::find(&mut transaction, target_id).await? else { return Ok(Held::Gone) };
        let moving: Option<String> = sqlx::query_scalar(
            "SELECT id FROM builds WHERE subject = $1 AND state = 'running' AND is_publishing = 1 LIMIT 1",
        )
        .bind(target_id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("find a publication"))?;
        if moving.is_some() {
            return Ok(Held::Publishing);
        }
        sqlx::query("UPDATE targets SET held_build_id = $2 WHERE id = $1")
            .bind(target_id)
            .bind(build.map(|build| build.id.as_str()))
            .execute(&mut *transaction)
            .await
            .map_err(sql("hold tags"))?;
        if let Some(build) = build {
            let digest = build.digest.as_deref().unwrap_or_default();
            sqlx::query(
                "UPDATE target_tags SET digest = $2, updated_at = $3 WHERE target_id = $1 AND digest IS NOT NULL",
            )
            .bind(target_id)
            .bind(digest)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("point tags of a target"))?;
            targets::enqueue_tags(&mut transaction, &target.destination, at).await?;
        } else {
            queue::wake(&mut transaction, target_id, at).await?;
        }
        audit::note(&mut transaction, audit).await?;
        commit(transaction).await?;
        Ok(Held::Done)
    }
}

/// Returns a build with whether it goes on.
async fn verdict(
    connection: &mut AnyConnection,
    id: &str,
    attempt: i64,
) -> Result<(Option<BuildRecord>, Verdict), RecordsError> {
    let Some(build) = find(&mut *connection, id).await? else { return Ok((None, Verdict::Superseded)) };
    if build.attempts != attempt || build.state != build_state::RUNNING {
        return Ok((Some(build), Verdict::Lost));
    }
    if build.is_cancelled {
        return Ok((Some(build), Verdict::Cancelled));
    }
    let Some(target_id) = &build.target_id else { return Ok((Some(build), Verdict::Publish)) };
    let current: Option<(i64, Option<String>)> = sqlx::query_as(
        "SELECT c.version, t.held_build_id FROM targets t JOIN customizations c ON c.id = t.customization_id \
         WHERE t.id = $1",
    )
    .bind(target_id)
    .fetch_optional(connection)
    .await
    .map_err(sql("find the target of a build"))?;
    let verdict = match current {
        Some((version, None)) if build.customization_version == Some(version) => Verdict::Publish,
        _ => Verdict::Superseded,
    };
    Ok((Some(build), verdict))
}
