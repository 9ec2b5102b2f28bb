//! Targets of customizations: what they are made from, the tags that they own, and when somebody last looked.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::jobs::{self, NewJob};
use super::{Micros, Records, RecordsError, commit, sql};

mod claims;

pub(super) use claims::{claim, enqueue_tags, point_tags, replace, set_inputs};

/// The targets' records.
#[derive(Clone, Debug)]
pub struct Targets {
    pub(super) records: Records,
}

/// The kinds of what a target is made from, as they are stored.
pub mod input_kind {
    /// A tag of the repository that is customized.
    pub const BASE: &str = "base";
    /// A tag or digest of an artifact.
    pub const ARTIFACT: &str = "artifact";
    /// A suite of a package archive.
    pub const ARCHIVE: &str = "archive";
}

/// Something that a target is made from, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetInput {
    /// See [`input_kind`].
    pub kind: String,
    /// A repository, or the address of an archive.
    pub name: String,
    /// A tag or digest, or the suite of an archive.
    pub reference: String,
}

/// A target that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTarget {
    /// Its id: that of a target that is there, or a new one.
    pub id: String,
    /// The repository of base and result.
    pub destination: String,
    /// The catalog's repository that the destination mirrors, if the document names it.
    pub source: Option<String>,
    /// The line of tags, where the repository has definitions.
    pub tag_definition_id: Option<String>,
    /// The tags of the base that it follows, at least one.
    pub base_tags: Vec<String>,
    /// What it is made from.
    pub inputs: Vec<TargetInput>,
    /// The tags that it writes.
    pub tags: Vec<String>,
}

/// A target as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRecord {
    /// Its id.
    pub id: String,
    /// Its customization.
    pub customization_id: String,
    /// Its place in the document, from 0.
    pub position: i64,
    /// The repository of base and result.
    pub destination: String,
    /// The catalog's repository that the destination mirrors, if the document names it.
    pub source: Option<String>,
    /// The line of tags, where the repository has definitions.
    pub tag_definition_id: Option<String>,
    /// The tags of the base, as JSON.
    pub base_tags: String,
    /// When somebody last looked whether an input changed.
    pub checked_at: Option<Micros>,
    /// Why, as JSON.
    pub check_causes: Option<String>,
    /// What came of it: `queued`, `unchanged`, `held` or `failed`.
    pub check_outcome: Option<String>,
    /// The build whose result the tags stay at.
    pub held_build_id: Option<String>,
}

/// A tag that builds write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetTag {
    /// The repository.
    pub destination: String,
    /// The tag.
    pub tag: String,
    /// Who writes it; nobody any more where this is absent.
    pub target_id: Option<String>,
    /// Where it points to, as text.
    pub digest: Option<String>,
    /// Whether it is to be removed.
    pub is_unwanted: bool,
}

impl<'r> FromRow<'r, AnyRow> for TargetTag {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            destination: row.try_get("destination")?,
            tag: row.try_get("tag")?,
            target_id: row.try_get("target_id")?,
            digest: row.try_get("digest")?,
            is_unwanted: row.try_get::<i64, _>("is_unwanted")? != 0,
        })
    }
}

/// The job that brings the tags of a repository to what the records say.
pub const TAGS_JOB: &str = "tags";

/// The job that looks whether an input of a target has changed; its payload is the list of causes.
pub const CHECK_JOB: &str = "check";

/// A look at a target that is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCheck {
    /// The id of its job.
    pub id: String,
    /// The target.
    pub target_id: String,
    /// Why, as a JSON list.
    pub causes: String,
    /// Higher goes first.
    pub priority: i64,
}

const COLUMNS: &str = "t.id, t.customization_id, t.position, t.destination, t.source, t.tag_definition_id, t.base_tags, \
     t.checked_at, t.check_causes, t.check_outcome, t.held_build_id";

impl Records {
    /// Returns the records of targets.
    pub fn targets(&self) -> Targets {
        Targets { records: self.clone() }
    }
}

impl Targets {
    /// Returns a target by its id.
    pub async fn find(&self, id: &str) -> Result<Option<TargetRecord>, RecordsError> {
        let mut connection = self.records.read().acquire().await.map_err(sql("find target"))?;
        find(&mut connection, id).await
    }

    /// Lists the targets of a customization in the order of its document.
    pub async fn list(&self, customization_id: &str) -> Result<Vec<TargetRecord>, RecordsError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM targets t WHERE t.customization_id = $1 ORDER BY t.position"
        )))
        .bind(customization_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list targets"))?;
        rows.iter().map(record).collect()
    }

    /// Lists the tags that a target writes, in lexical order.
    pub async fn tags(&self, target_id: &str) -> Result<Vec<TargetTag>, RecordsError> {
        self.list_tags(
            "SELECT destination, tag, target_id, digest, is_unwanted FROM target_tags WHERE target_id = $1 \
             ORDER BY tag",
            target_id,
        )
        .await
    }

    /// Lists the tags of a repository that builds write or wrote, in lexical order. A sync leaves them alone.
    pub async fn tags_in(&self, destination: &str) -> Result<Vec<TargetTag>, RecordsError> {
        self.list_tags(
            "SELECT destination, tag, target_id, digest, is_unwanted FROM target_tags WHERE destination = $1 \
             ORDER BY tag",
            destination,
        )
        .await
    }

    async fn list_tags(&self, query: &'static str, key: &str) -> Result<Vec<TargetTag>, RecordsError> {
        sqlx::query_as(query)
            .bind(key)
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list tags of targets"))
    }

    /// Forgets tags that nobody wants and that are removed by now.
    pub async fn forget_unwanted(&self, destination: &str, tags: &[String]) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        for tag in tags {
            sqlx::query("DELETE FROM target_tags WHERE destination = $1 AND tag = $2 AND is_unwanted = 1")
                .bind(destination)
                .bind(tag)
                .execute(&mut *transaction)
                .await
                .map_err(sql("forget tag"))?;
        }
        commit(transaction).await
    }

    /// Returns the ids of the targets whose base this tag is.
    pub async fn with_base(&self, repository: &str, tag: &str) -> Result<Vec<String>, RecordsError> {
        self.using(input_kind::BASE, repository, Some(tag)).await
    }

    /// Returns the ids of the targets that take files from this tag, or from any tag, of an artifact.
    pub async fn with_artifact(
        &self,
        repository: &str,
        tag: Option<&str>,
    ) -> Result<Vec<String>, RecordsError> {
        self.using(input_kind::ARTIFACT, repository, tag).await
    }

    /// Returns the ids of the targets whose last build asked this suite, or any suite, of an archive for packages.
    pub async fn with_archive(&self, uri: &str, suite: Option<&str>) -> Result<Vec<String>, RecordsError> {
        self.using(input_kind::ARCHIVE, uri, suite).await
    }

    /// Returns the ids of the targets that follow a line of tags.
    pub async fn with_line(
        &self,
        repository: &str,
        tag_definition_id: &str,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT id FROM targets WHERE destination = $1 AND tag_definition_id = $2 ORDER BY id",
        )
        .bind(repository)
        .bind(tag_definition_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("find targets of a line"))
    }

    async fn using(
        &self,
        kind: &str,
        name: &str,
        reference: Option<&str>,
    ) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT DISTINCT target_id FROM target_inputs WHERE kind = $1 AND name = $2 \
             AND ($3 = '' OR reference = $3) ORDER BY target_id",
        )
        .bind(kind)
        .bind(name)
        .bind(reference.unwrap_or(""))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("find targets by input"))
    }

    /// Lists the archives that any target uses: address and suite.
    pub async fn archives(&self) -> Result<Vec<(String, String)>, RecordsError> {
        sqlx::query_as(
            "SELECT DISTINCT name, reference FROM target_inputs WHERE kind = 'archive' ORDER BY name, reference",
        )
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list archives"))
    }

    /// Lets somebody look at targets; one that is looked at soon anyway takes up the causes.
    pub async fn check(&self, checks: &[NewCheck], at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        for one in checks {
            check(&mut transaction, one, at).await?;
        }
        commit(transaction).await
    }

    /// Notes that somebody looked whether an input of a target changed, and what came of it.
    pub async fn note_check(
        &self,
        id: &str,
        causes: &str,
        outcome: &str,
        at: Micros,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        note_check(&mut transaction, id, causes, outcome, at).await?;
        commit(transaction).await
    }
}

/// Lets somebody look at a target; one that is looked at soon anyway takes up the causes.
pub(super) async fn check(
    connection: &mut AnyConnection,
    check: &NewCheck,
    at: Micros,
) -> Result<(), RecordsError> {
    let job = NewJob {
        id: check.id.clone(),
        kind: CHECK_JOB,
        subject: check.target_id.clone(),
        payload: check.causes.clone(),
        priority: check.priority,
        run_at: at,
    };
    let enqueued = jobs::enqueue(&mut *connection, &job, at).await?;
    if let Some(waiting) = enqueued.waiting {
        let causes = joined(&waiting, &check.causes)?;
        jobs::replace_payload(connection, &enqueued.id, &causes).await?;
    }
    Ok(())
}

pub(super) async fn note_check(
    connection: &mut AnyConnection,
    id: &str,
    causes: &str,
    outcome: &str,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query("UPDATE targets SET checked_at = $4, check_causes = $2, check_outcome = $3 WHERE id = $1")
        .bind(id)
        .bind(causes)
        .bind(outcome)
        .bind(at)
        .execute(connection)
        .await
        .map_err(sql("note a check"))?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<TargetRecord>, RecordsError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM targets t WHERE t.id = $1")))
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(sql("find target"))?;
    row.as_ref().map(record).transpose()
}

/// Joins two lists of causes; what is the same is there once.
pub(super) fn joined(known: &str, more: &str) -> Result<String, RecordsError> {
    let read = |text: &str| {
        serde_json::from_str::<Vec<serde_json::Value>>(text)
            .map_err(|_| RecordsError::Inconsistent { column: "builds.causes", value: text.to_owned() })
    };
    let mut all = read(known)?;
    for cause in read(more)? {
        if !all.contains(&cause) {
            all.push(cause);
        }
    }
    Ok(serde_json::Value::Array(all).to_string())
}

fn record(row: &AnyRow) -> Result<TargetRecord, RecordsError> {
    let read = || -> Result<TargetRecord, sqlx::Error> {
        Ok(TargetRecord {
            id: row.try_get("id")?,
            customization_id: row.try_get("customization_id")?,
            position: row.try_get("position")?,
            destination: row.try_get("destination")?,
            source: row.try_get("source")?,
            tag_definition_id: row.try_get("tag_definition_id")?,
            base_tags: row.try_get("base_tags")?,
            checked_at: row.try_get("checked_at")?,
            check_causes: row.try_get("check_causes")?,
            check_outcome: row.try_get("check_outcome")?,
            held_build_id: row.try_get("held_build_id")?,
        })
    };
    read().map_err(sql("read target"))
}
