//! Ends of builds: what came of them, and what is kept of earlier ones.

use sqlx::AnyConnection;

use super::{BuildRecord, Builds, build_state, find};
use crate::records::targets::{self, TargetInput, input_kind};
use crate::records::{Micros, RecordsError, commit, sql};

/// How a build ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Its image is published.
    Succeeded(Box<Success>),
    /// It failed; `error` is JSON.
    Failed {
        /// Why.
        error: String,
        /// Its plan, as JSON, where one could be made.
        plan: Option<String>,
    },
    /// It failed for a cause outside and is tried again.
    Retry {
        /// Why.
        error: String,
        /// When.
        at: Micros,
    },
    /// Something newer takes its place.
    Superseded,
    /// No input had changed.
    Unchanged,
    /// Somebody ended it.
    Cancelled,
}

/// What a build has published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Success {
    /// Digest over its inputs.
    pub build_key: String,
    /// Digest of its image.
    pub digest: String,
    /// The tags that it wrote.
    pub tags: Vec<String>,
    /// Its plan, as JSON.
    pub plan: String,
    /// What its image is made of, as JSON.
    pub content: String,
    /// What differs from the build before, as JSON.
    pub changes: Option<String>,
    /// The numbers that it gave to users and groups of packages, as JSON.
    pub automatic_ids: String,
    /// What it read.
    pub inputs: Vec<BuildInput>,
    /// The archives that packages were chosen from: address and suite.
    pub archives: Vec<(String, String)>,
    /// The tags and artifacts that it was made from, by name.
    pub sources: Vec<TargetInput>,
}

/// Something that a build read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildInput {
    /// `base`, `artifact`, `package` or `archive`.
    pub role: String,
    /// Its name.
    pub name: String,
    /// The platform that it was for; empty where it is the same for all.
    pub platform: String,
    /// Its version, of a package.
    pub version: String,
    /// Its digest.
    pub digest: String,
}

/// What is kept of earlier builds: those that one of the rules keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest that succeeded, so many of them.
    pub newest: u32,
    /// Those that ended since then.
    pub since: Micros,
}

impl Builds {
    /// Ends an attempt of a build, with everything that follows from it; says whether it was still this worker's.
    pub async fn finish(
        &self,
        id: &str,
        attempt: i64,
        finish: &Finish,
        retention: Retention,
        at: Micros,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(build) = find(&mut transaction, id).await? else { return Ok(false) };
        if build.attempts != attempt || build.state != build_state::RUNNING {
            return Ok(false);
        }
        let (state, error, plan) = match finish {
            Finish::Succeeded(success) => {
                succeed(&mut transaction, &build, success, at).await?;
                (build_state::SUCCEEDED, None, Some(success.plan.as_str()))
            }
            Finish::Failed { error, plan } => (build_state::FAILED, Some(error.as_str()), plan.as_deref()),
            Finish::Retry { error, .. } => (build_state::QUEUED, Some(error.as_str()), None),
            Finish::Superseded => (build_state::SUPERSEDED, None, None),
            Finish::Unchanged => (build_state::UNCHANGED, None, None),
            Finish::Cancelled => (build_state::CANCELLED, None, None),
        };
        let retry_at = if let Finish::Retry { at, .. } = finish { Some(*at) } else { None };
        sqlx::query(
            "UPDATE builds SET state = $2, error = $3, plan = $4, retry_at = $5, finished_at = $6, \
             is_publishing = 0 WHERE id = $1",
        )
        .bind(id)
        .bind(state)
        .bind(error)
        .bind(plan)
        .bind(retry_at)
        .bind(if retry_at.is_some() { None } else { Some(at) })
        .execute(&mut *transaction)
        .await
        .map_err(sql("finish build"))?;
        prune(&mut transaction, &build.subject, retention).await?;
        commit(transaction).await?;
        Ok(true)
    }

    /// Lists what a build read, in lexical order.
    pub async fn inputs(&self, build_id: &str) -> Result<Vec<BuildInput>, RecordsError> {
        let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
            "SELECT role, name, platform, version, digest FROM build_inputs WHERE build_id = $1 \
             ORDER BY role, name, platform, version, digest",
        )
        .bind(build_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list inputs of a build"))?;
        let inputs = rows.into_iter().map(|(role, name, platform, version, digest)| BuildInput {
            role,
            name,
            platform,
            version,
            digest,
        });
        Ok(inputs.collect())
    }
}

async fn succeed(
    connection: &mut AnyConnection,
    build: &BuildRecord,
    success: &Success,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query(
        "UPDATE builds SET build_key = $2, digest = $3, tags = $4, content = $5, changes = $6, automatic_ids = $7 \
         WHERE id = $1",
    )
    .bind(&build.id)
    .bind(&success.build_key)
    .bind(&success.digest)
    .bind(serde_json::to_string(&success.tags).expect("a list of texts is JSON"))
    .bind(&success.content)
    .bind(&success.changes)
    .bind(&success.automatic_ids)
    .execute(&mut *connection)
    .await
    .map_err(sql("keep the result of a build"))?;
    for input in &success.inputs {
        sqlx::query(
            "INSERT INTO build_inputs (build_id, role, name, platform, version, digest) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (build_id, role, name, platform, version, digest) DO NOTHING",
        )
        .bind(&build.id)
        .bind(&input.role)
        .bind(&input.name)
        .bind(&input.platform)
        .bind(&input.version)
        .bind(&input.digest)
        .execute(&mut *connection)
        .await
        .map_err(sql("add input of a build"))?;
    }
    let Some(target_id) = &build.target_id else { return Ok(()) };
    let Some(target) = targets::find(&mut *connection, target_id).await? else { return Ok(()) };
    targets::point_tags(connection, &target, &success.tags, &success.digest, at).await?;
    leave_tags(connection, target_id, &success.tags, at).await?;
    let archives = success.archives.iter().map(|(uri, suite)| TargetInput {
        kind: input_kind::ARCHIVE.to_owned(),
        name: uri.clone(),
        reference: suite.clone(),
    });
    let inputs: Vec<TargetInput> = success.sources.iter().cloned().chain(archives).collect();
    let kinds = [input_kind::BASE, input_kind::ARTIFACT, input_kind::ARCHIVE];
    targets::set_inputs(connection, target_id, &kinds, &inputs).await
}

/// Gives up the tags that a line of tags has no more: they stay where they are, and who gains them may claim them.
async fn leave_tags(
    connection: &mut AnyConnection,
    target_id: &str,
    tags: &[String],
    at: Micros,
) -> Result<(), RecordsError> {
    let owned: Vec<String> = sqlx::query_scalar("SELECT tag FROM target_tags WHERE target_id = $1")
        .bind(target_id)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("list tags of a target"))?;
    for tag in owned.iter().filter(|tag| !tags.contains(tag)) {
        sqlx::query(
            "UPDATE target_tags SET target_id = NULL, updated_at = $3 WHERE target_id = $1 AND tag = $2",
        )
        .bind(target_id)
        .bind(tag)
        .bind(at)
        .execute(&mut *connection)
        .await
        .map_err(sql("release tag"))?;
    }
    Ok(())
}

/// Forgets the details of builds that are neither young nor among the newest nor held; their lines stay.
async fn prune(
    connection: &mut AnyConnection,
    subject: &str,
    retention: Retention,
) -> Result<(), RecordsError> {
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM builds b WHERE b.subject = $1 AND b.is_kept = 1 AND b.finished_at < $2 \
         AND b.id NOT IN (SELECT id FROM builds WHERE subject = $1 AND state = 'succeeded' \
         ORDER BY number DESC LIMIT $3) \
         AND NOT EXISTS (SELECT 1 FROM targets t WHERE t.held_build_id = b.id) ORDER BY b.id",
    )
    .bind(subject)
    .bind(retention.since)
    .bind(i64::from(retention.newest))
    .fetch_all(&mut *connection)
    .await
    .map_err(sql("find old builds"))?;
    for id in &old {
        for statement in [
            "UPDATE builds SET is_kept = 0, plan = NULL, content = NULL WHERE id = $1",
            "DELETE FROM build_events WHERE build_id = $1",
            "DELETE FROM build_inputs WHERE build_id = $1",
        ] {
            sqlx::query(statement)
                .bind(id)
                .execute(&mut *connection)
                .await
                .map_err(sql("forget an old build"))?;
        }
    }
    Ok(())
}
