//! Jobs: work that outlives a request, done once at a time, by whoever holds its lease.
//!
//! Whoever changes something writes the jobs that follow from it in the same transaction, so that a crash loses neither.
//! A lease says who runs a job; who lost it finds out by every function here, because all of them ask for the owner.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::collect::placeholders;
use super::{Micros, Records, RecordsError, commit, sql};

/// A job to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id, used where no other job takes its place.
    pub id: String,
    /// What is to be done: `build`.
    pub kind: &'static str,
    /// What it is done to: of one subject, one job runs at a time, whatever its kind.
    pub subject: String,
    /// What else the work needs to know, as JSON.
    pub payload: String,
    /// Higher ones come first.
    pub priority: i64,
    /// It is not taken before.
    pub run_at: Micros,
}

/// A job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// What it is done to.
    pub subject: String,
    /// What else the work needs to know, as JSON.
    pub payload: String,
    /// Its priority.
    pub priority: i64,
    /// How often it was taken, this time included.
    pub attempts: u32,
    /// When it was written down.
    pub created_at: Micros,
}

/// What became of a job that was to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The job that waits now.
    pub id: String,
    /// The payload of the job that waited already and stays; the caller may put another in its place.
    pub waiting: Option<String>,
}

/// How many jobs of a kind are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// The kind.
    pub kind: String,
    /// `waiting`, `running` or `failed`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// Since when the first of them could be taken.
    pub oldest: Micros,
}

/// The queue; clones share one database.
#[derive(Clone, Debug)]
pub struct Jobs {
    records: Records,
}

const COLUMNS: &str = "id, kind, subject, payload, priority, attempts, created_at";

/// Which jobs can be taken; `$1` is the time. What waits for a subject that runs waits on, also where the lease has
/// passed: then the one that ran is taken again first.
const FREE: &str = "((state = 'waiting' AND run_at <= $1 AND NOT EXISTS \
    (SELECT 1 FROM jobs r WHERE r.subject = jobs.subject AND r.state = 'running')) \
    OR (state = 'running' AND lease_until <= $1))";

/// Writes a job down, or joins it with one of its kind and subject that waits.
///
/// That one then keeps its payload and takes the earlier time and the higher priority of both.
pub(super) async fn enqueue(
    connection: &mut AnyConnection,
    job: &NewJob,
    at: Micros,
) -> Result<Enqueued, RecordsError> {
    let failed = sql("enqueue job");
    let waiting: Option<(String, String, i64, Micros)> = sqlx::query_as(
        "SELECT id, payload, priority, run_at FROM jobs WHERE kind = $1 AND subject = $2 AND state = 'waiting' \
         ORDER BY attempts, id LIMIT 1",
    )
    .bind(job.kind)
    .bind(&job.subject)
    .fetch_optional(&mut *connection)
    .await
    .map_err(&failed)?;
    if let Some((id, payload, priority, run_at)) = waiting {
        sqlx::query("UPDATE jobs SET priority = $2, run_at = $3 WHERE id = $1")
            .bind(&id)
            .bind(priority.max(job.priority))
            .bind(run_at.min(job.run_at))
            .execute(connection)
            .await
            .map_err(&failed)?;
        return Ok(Enqueued { id, waiting: Some(payload) });
    }
    sqlx::query(
        "INSERT INTO jobs (id, kind, subject, payload, priority, state, run_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)",
    )
    .bind(&job.id)
    .bind(job.kind)
    .bind(&job.subject)
    .bind(&job.payload)
    .bind(job.priority)
    .bind(job.run_at)
    .bind(at)
    .execute(connection)
    .await
    .map_err(&failed)?;
    Ok(Enqueued { id: job.id.clone(), waiting: None })
}

/// Gives a job that waits another payload; says whether it waits still.
pub(super) async fn replace_payload(
    connection: &mut AnyConnection,
    id: &str,
    payload: &str,
) -> Result<bool, RecordsError> {
    let done = sqlx::query("UPDATE jobs SET payload = $2 WHERE id = $1 AND state = 'waiting'")
        .bind(id)
        .bind(payload)
        .execute(connection)
        .await
        .map_err(sql("change job"))?;
    Ok(done.rows_affected() > 0)
}

/// Forgets the jobs of a kind and subject that wait, and returns their payloads.
pub(super) async fn remove_waiting(
    connection: &mut AnyConnection,
    kind: &str,
    subject: &str,
) -> Result<Vec<String>, RecordsError> {
    sqlx::query_scalar(
        "DELETE FROM jobs WHERE kind = $1 AND subject = $2 AND state = 'waiting' RETURNING payload",
    )
    .bind(kind)
    .bind(subject)
    .fetch_all(connection)
    .await
    .map_err(sql("remove jobs"))
}

/// Says whether a job is run by this owner: what it writes in this transaction is nobody else's.
pub(super) async fn holds(
    connection: &mut AnyConnection,
    id: &str,
    owner: &str,
) -> Result<bool, RecordsError> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT id FROM jobs WHERE id = $1 AND owner = $2 AND state = 'running'")
            .bind(id)
            .bind(owner)
            .fetch_optional(connection)
            .await
            .map_err(sql("find job"))?;
    Ok(found.is_some())
}

/// Ends a job that is done, together with what it did; says whether the owner still held it.
pub(super) async fn finish(
    connection: &mut AnyConnection,
    id: &str,
    owner: &str,
) -> Result<bool, RecordsError> {
    let done = sqlx::query("DELETE FROM jobs WHERE id = $1 AND owner = $2 AND state = 'running'")
        .bind(id)
        .bind(owner)
        .execute(connection)
        .await
        .map_err(sql("finish job"))?;
    Ok(done.rows_affected() > 0)
}

impl Records {
    /// Returns the queue.
    pub fn jobs(&self) -> Jobs {
        Jobs { records: self.clone() }
    }
}

impl Jobs {
    /// Writes a job down by itself; see [`Enqueued`] for what happens where one of its kind and subject waits.
    pub async fn enqueue(&self, job: &NewJob, at: Micros) -> Result<Enqueued, RecordsError> {
        let mut transaction = self.records.write().await?;
        let enqueued = enqueue(&mut transaction, job, at).await?;
        commit(transaction).await?;
        Ok(enqueued)
    }

    /// Takes the next job of these kinds: the one of highest priority, then the one that waits longest.
    ///
    /// Nobody else has it until `lease_until`, in microseconds since 1970, or until it is given back. A job whose lease
    /// has passed is taken again.
    pub async fn take(
        &self,
        kinds: &[&str],
        owner: &str,
        now: Micros,
        lease_until: Micros,
    ) -> Result<Option<Job>, RecordsError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let of_kinds = placeholders(4, kinds.len());
        // Mostly there is nothing to do, and finding that out holds up nobody.
        let glance = format!(
            "SELECT id FROM jobs WHERE {FREE} AND kind IN ({}) LIMIT 1",
            placeholders(2, kinds.len())
        );
        let mut glance = sqlx::query(sqlx::AssertSqlSafe(glance)).bind(now);
        for kind in kinds {
            glance = glance.bind(*kind);
        }
        if glance.fetch_optional(self.records.read()).await.map_err(sql("look for jobs"))?.is_none() {
            return Ok(None);
        }
        let mut transaction = self.records.write().await?;
        let statement = format!(
            "UPDATE jobs SET state = 'running', owner = $2, lease_until = $3, attempts = attempts + 1 \
             WHERE id = (SELECT id FROM jobs WHERE {FREE} AND kind IN ({of_kinds}) \
             ORDER BY priority DESC, run_at, id LIMIT 1) RETURNING {COLUMNS}"
        );
        let mut taken = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(now).bind(owner).bind(lease_until);
        for kind in kinds {
            taken = taken.bind(*kind);
        }
        let row = taken.fetch_optional(&mut *transaction).await.map_err(sql("take job"))?;
        commit(transaction).await?;
        row.map(|row| Job::from_row(&row)).transpose()
    }

    /// Gives a job that waits another payload; says whether it waits still.
    pub async fn replace_payload(&self, id: &str, payload: &str) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let waits = replace_payload(&mut transaction, id, payload).await?;
        commit(transaction).await?;
        Ok(waits)
    }

    /// Forgets the jobs of a kind and subject that wait, and returns their payloads.
    pub async fn remove_waiting(&self, kind: &str, subject: &str) -> Result<Vec<String>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let removed = remove_waiting(&mut transaction, kind, subject).await?;
        commit(transaction).await?;
        Ok(removed)
    }

    /// Says whether a job is run by this owner.
    pub async fn holds(&self, id: &str, owner: &str) -> Result<bool, RecordsError> {
        let mut reader = self.records.read().acquire().await.map_err(sql("find job"))?;
        holds(&mut reader, id, owner).await
    }

    /// Renews a lease; where it says no, the job is somebody else's or gone: stop, and publish nothing.
    pub async fn heartbeat(&self, id: &str, owner: &str, lease_until: Micros) -> Result<bool, RecordsError> {
        let renew = "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND owner = $2 AND state = 'running'";
        let mut transaction = self.records.write_relaxed().await?;
        let done = sqlx::query(renew)
            .bind(id)
            .bind(owner)
            .bind(lease_until)
            .execute(&mut *transaction)
            .await
            .map_err(sql("renew lease"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a job that is done; says whether the owner still held it.
    pub async fn finish(&self, id: &str, owner: &str) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let held = finish(&mut transaction, id, owner).await?;
        commit(transaction).await?;
        Ok(held)
    }

    /// Lets a job wait for another attempt; says whether the owner still held it.
    pub async fn retry(
        &self,
        id: &str,
        owner: &str,
        run_at: Micros,
        error: &str,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let done = sqlx::query(
            "UPDATE jobs SET state = 'waiting', owner = NULL, lease_until = NULL, run_at = $3, error = $4 \
             WHERE id = $1 AND owner = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(owner)
        .bind(run_at)
        .bind(error)
        .execute(&mut *transaction)
        .await
        .map_err(sql("retry job"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Lets a job wait as if it had not been taken: its owner stops. Says whether the owner still held it.
    pub async fn give_back(&self, id: &str, owner: &str) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let done = sqlx::query(
            "UPDATE jobs SET state = 'waiting', owner = NULL, lease_until = NULL, attempts = attempts - 1 \
             WHERE id = $1 AND owner = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(owner)
        .execute(&mut *transaction)
        .await
        .map_err(sql("give job back"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a job that no other attempt will help; says whether the owner still held it.
    pub async fn fail(&self, id: &str, owner: &str, error: &str, at: Micros) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let done = sqlx::query(
            "UPDATE jobs SET state = 'failed', owner = NULL, lease_until = NULL, error = $3, ended_at = $4 \
             WHERE id = $1 AND owner = $2 AND state = 'running'",
        )
        .bind(id)
        .bind(owner)
        .bind(error)
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("fail job"))?;
        commit(transaction).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets the jobs that failed before `before`.
    pub async fn forget_failed(&self, before: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("DELETE FROM jobs WHERE state = 'failed' AND ended_at < $1")
            .bind(before)
            .execute(&mut *transaction)
            .await
            .map_err(sql("forget jobs"))?;
        commit(transaction).await
    }

    /// Counts the jobs by kind and state.
    pub async fn count(&self) -> Result<Vec<JobCount>, RecordsError> {
        let rows: Vec<(String, String, i64, Micros)> = sqlx::query_as(
            "SELECT kind, state, COUNT(*), MIN(run_at) FROM jobs GROUP BY kind, state ORDER BY kind, state",
        )
        .fetch_all(self.records.read())
        .await
        .map_err(sql("count jobs"))?;
        let count = |(kind, state, count, oldest): (String, String, i64, Micros)| JobCount {
            kind,
            state,
            count: count.cast_unsigned(),
            oldest,
        };
        Ok(rows.into_iter().map(count).collect())
    }
}

impl Job {
    fn from_row(row: &AnyRow) -> Result<Self, RecordsError> {
        let failed = sql("read job");
        let attempts: i64 = row.try_get("attempts").map_err(&failed)?;
        Ok(Self {
            id: row.try_get("id").map_err(&failed)?,
            kind: row.try_get("kind").map_err(&failed)?,
            subject: row.try_get("subject").map_err(&failed)?,
            payload: row.try_get("payload").map_err(&failed)?,
            priority: row.try_get("priority").map_err(&failed)?,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            created_at: row.try_get("created_at").map_err(&failed)?,
        })
    }
}
