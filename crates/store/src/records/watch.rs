//! The watch: which targets a change concerns, whether their rebuilds may run now, and how fresh repositories are.

mod archives;
mod freshness;
mod settings;

use sqlx::AnyConnection;

use super::targets::{self, NewCheck};
use super::{Micros, Records, RecordsError, commit, sql};

pub use archives::PackageWatch;
pub use freshness::TimedChange;
pub use settings::RebuildSettings;

/// The watch's records; clones share one database.
#[derive(Clone, Debug)]
pub struct Watch {
    records: Records,
}

/// A change that a target answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The id under which its time is measured.
    pub id: String,
    /// `base`, `artifact` or `package`.
    pub cause: &'static str,
    /// When it was published, as far as is known.
    pub event_at: Micros,
    /// The look at the target that answers to it.
    pub check: NewCheck,
}

/// An input of a target, with what its last good build read.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct WatchedInput {
    /// The target.
    pub target_id: String,
    /// `base` or `artifact`.
    pub kind: String,
    /// The repository.
    pub name: String,
    /// The tag or digest.
    pub reference: String,
    /// The last build of the target that succeeded.
    pub build_id: String,
}

impl Records {
    /// Returns the records of the watch.
    pub fn watch(&self) -> Watch {
        Watch { records: self.clone() }
    }
}

impl Watch {
    /// Notes changes and lets the targets be looked at that answer to them: now, or when their organization allows it.
    ///
    /// `may_run` says so for the settings of an organization.
    pub async fn notice(
        &self,
        changes: &[Noticed],
        at: Micros,
        may_run: impl Fn(&RebuildSettings) -> bool,
    ) -> Result<(), RecordsError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.records.write().await?;
        for change in changes {
            let target = &change.check.target_id;
            let Some((organization, repository)) = owner(&mut transaction, target).await? else { continue };
            let settings = settings::find(&mut transaction, &organization).await?.unwrap_or_default();
            let runs = may_run(&settings);
            freshness::add(&mut transaction, change, &repository, runs, at).await?;
            if runs {
                targets::check(&mut transaction, &change.check, at).await?;
            } else {
                hold(&mut transaction, &change.check, &organization, at).await?;
            }
        }
        commit(transaction).await
    }

    /// Lets go what was held for an organization; says how many targets.
    ///
    /// `check` makes the look at a target from its id and causes.
    pub async fn release(
        &self,
        organization_id: &str,
        at: Micros,
        check: impl Fn(String, String) -> NewCheck,
    ) -> Result<usize, RecordsError> {
        let mut transaction = self.records.write().await?;
        let held: Vec<(String, String)> =
            sqlx::query_as("DELETE FROM held_checks WHERE organization_id = $1 RETURNING target_id, causes")
                .bind(organization_id)
                .fetch_all(&mut *transaction)
                .await
                .map_err(sql("release checks"))?;
        let released = held.len();
        for (target, causes) in held {
            freshness::release(&mut transaction, &target, at).await?;
            if owner(&mut transaction, &target).await?.is_some() {
                targets::check(&mut transaction, &check(target, causes), at).await?;
            }
        }
        commit(transaction).await?;
        Ok(released)
    }

    /// Lists the organizations for which something is held.
    pub async fn holding(&self) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar("SELECT DISTINCT organization_id FROM held_checks ORDER BY organization_id")
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list held checks"))
    }

    /// Counts what is held for an organization.
    pub async fn count_held(&self, organization_id: &str) -> Result<u64, RecordsError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM held_checks WHERE organization_id = $1")
            .bind(organization_id)
            .fetch_one(self.records.read())
            .await
            .map_err(sql("count held checks"))?;
        Ok(count.cast_unsigned())
    }

    /// Lists at most `limit` bases and artifacts of targets that were built, by target after `after`. Targets that have
    /// changes to answer to are left out: somebody noticed already.
    pub async fn inputs(&self, after: &str, limit: u32) -> Result<Vec<WatchedInput>, RecordsError> {
        sqlx::query_as(
            "SELECT i.target_id, i.kind, i.name, i.reference, (SELECT b.id FROM builds b WHERE b.target_id = i.target_id \
             AND b.state = 'succeeded' ORDER BY b.number DESC LIMIT 1) AS build_id FROM target_inputs i \
             WHERE i.kind IN ('base', 'artifact') AND i.target_id IN (SELECT t.id FROM targets t WHERE t.id > $1 \
             AND EXISTS (SELECT 1 FROM builds b WHERE b.target_id = t.id AND b.state = 'succeeded') \
             AND NOT EXISTS (SELECT 1 FROM freshness f WHERE f.subject = t.id AND f.moved_at IS NULL) \
             ORDER BY t.id LIMIT $2) ORDER BY i.target_id, i.kind, i.name, i.reference",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list inputs of targets"))
    }

    /// Says whether a build read something of this digest.
    pub async fn has_read(&self, build_id: &str, digest: &str) -> Result<bool, RecordsError> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM build_inputs WHERE build_id = $1 AND digest = $2 LIMIT 1")
                .bind(build_id)
                .bind(digest)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find input of a build"))?;
        Ok(found.is_some())
    }

    /// Returns the last build that wrote a tag, or is about to: its id and its causes as JSON.
    pub async fn build_of(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<Option<(String, String)>, RecordsError> {
        sqlx::query_as(
            "SELECT b.id, b.causes FROM builds b JOIN target_tags t ON t.target_id = b.target_id \
             WHERE t.destination = $1 AND t.tag = $2 AND b.state IN ('running', 'succeeded') \
             ORDER BY b.number DESC LIMIT 1",
        )
        .bind(repository)
        .bind(tag)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find build of a tag"))
    }

    /// Returns which target writes a tag of a repository.
    pub async fn writer(&self, repository: &str, tag: &str) -> Result<Option<String>, RecordsError> {
        let found: Option<Option<String>> =
            sqlx::query_scalar("SELECT target_id FROM target_tags WHERE destination = $1 AND tag = $2")
                .bind(repository)
                .bind(tag)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find writer of a tag"))?;
        Ok(found.flatten())
    }
}

/// Returns the organization and the repository of a target that is there.
async fn owner(
    connection: &mut AnyConnection,
    target_id: &str,
) -> Result<Option<(String, String)>, RecordsError> {
    sqlx::query_as(
        "SELECT c.organization_id, t.destination FROM targets t JOIN customizations c ON c.id = t.customization_id \
         WHERE t.id = $1",
    )
    .bind(target_id)
    .fetch_optional(connection)
    .await
    .map_err(sql("find owner of a target"))
}

/// Puts a look off until the organization lets rebuilds run.
async fn hold(
    connection: &mut AnyConnection,
    check: &NewCheck,
    organization_id: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    let held: Option<String> = sqlx::query_scalar("SELECT causes FROM held_checks WHERE target_id = $1")
        .bind(&check.target_id)
        .fetch_optional(&mut *connection)
        .await
        .map_err(sql("find held check"))?;
    let causes = match held {
        Some(causes) => targets::joined(&causes, &check.causes)?,
        None => check.causes.clone(),
    };
    sqlx::query(
        "INSERT INTO held_checks (target_id, organization_id, causes, held_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (target_id) DO UPDATE SET causes = excluded.causes",
    )
    .bind(&check.target_id)
    .bind(organization_id)
    .bind(causes)
    .bind(at)
    .execute(connection)
    .await
    .map_err(sql("hold check"))?;
    Ok(())
}
