//! Customizations: documents that are built again and again, with every version that they had.
//!
//! Whatever belongs to one change is written in one transaction: the document, its targets, the tags that they claim,
//! the builds that follow, and the line of the audit log.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::audit::{self, AuditEvent};
use super::builds::{self, NewBuild};
use super::targets::{self, NewTarget};
use super::{Micros, Records, RecordsError, commit, sql};

/// The customizations' records.
#[derive(Clone, Debug)]
pub struct Customizations {
    pub(super) records: Records,
}

/// A customization as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomizationRecord {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// Its name.
    pub name: String,
    /// What its tags end with.
    pub suffix: String,
    /// Counts the edits, from 1.
    pub version: i64,
    /// The document in its canonical form, as JSON.
    pub document: String,
    /// When it was made.
    pub created_at: Micros,
    /// Who made it.
    pub created_by: String,
    /// When it was last edited.
    pub updated_at: Micros,
    /// Who edited it last.
    pub updated_by: String,
}

/// One document that a customization had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomizationVersion {
    /// Its number.
    pub version: i64,
    /// The document in its canonical form, as JSON.
    pub document: String,
    /// When it was written.
    pub created_at: Micros,
    /// Who wrote it.
    pub created_by: String,
    /// The version that it is a copy of, where one was restored.
    pub restored_from: Option<i64>,
}

/// A document that is written, with what follows from it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The customization as it is to be.
    pub customization: CustomizationRecord,
    /// The version that was restored, if one was.
    pub restored_from: Option<i64>,
    /// Its targets; those with the id of a target that is there take its place.
    pub targets: Vec<NewTarget>,
    /// The builds that it leads to.
    pub builds: Vec<NewBuild>,
    /// Whether tags that it does not have any more are removed from their repositories.
    pub removes_tags: bool,
    /// The line of the audit log.
    pub audit: AuditEvent,
}

/// One change of several that are made together.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new customization.
    Create(Box<Draft>),
    /// Another document; the version must be the one after that which is there.
    Edit(Box<Draft>),
    /// No customization any more.
    Delete {
        /// Which one.
        id: String,
        /// The version that must be there, where that matters.
        version: Option<i64>,
        /// Whether its tags are removed from their repositories.
        removes_tags: bool,
        /// The line of the audit log.
        audit: Box<AuditEvent>,
    },
}

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The customization is not there.
    Gone,
    /// It has another version.
    Stale,
    /// Another one with this name has a target in the same repository.
    Name {
        /// The place of the target in the document.
        target: usize,
    },
    /// Another one writes this tag.
    Tag {
        /// The place of the target in the document.
        target: usize,
        /// The tag.
        tag: String,
        /// The name of the one that writes it.
        owner: String,
    },
}

/// Which customizations are listed.
#[derive(Clone, Debug, Default)]
pub struct CustomizationFilter {
    /// Part of the name, in any case.
    pub name: Option<String>,
    /// Part of a target's destination, in any case.
    pub destination: Option<String>,
    /// Part of a target's source, in any case.
    pub source: Option<String>,
}

const COLUMNS: &str = "c.id, c.organization_id, c.name, c.suffix, c.version, c.document, c.created_at, c.created_by, \
     c.updated_at, c.updated_by";

impl Records {
    /// Returns the records of customizations.
    pub fn customizations(&self) -> Customizations {
        Customizations { records: self.clone() }
    }
}

impl Customizations {
    /// Makes all of these changes, or none where there are conflicts; each is told with the place of its change.
    pub async fn write(
        &self,
        changes: &[Change],
        at: Micros,
    ) -> Result<Vec<(usize, Conflict)>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let mut conflicts = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            let found = match change {
                Change::Create(draft) => create(&mut transaction, draft, at).await?,
                Change::Edit(draft) => edit(&mut transaction, draft, at).await?,
                Change::Delete { id, version, removes_tags, audit } => {
                    delete(&mut transaction, (id, *version), *removes_tags, audit, at).await?
                }
            };
            conflicts.extend(found.into_iter().map(|conflict| (place, conflict)));
        }
        if conflicts.is_empty() {
            commit(transaction).await?;
        } else {
            transaction.rollback().await.map_err(sql("roll back"))?;
        }
        Ok(conflicts)
    }

    /// Returns a customization by its id.
    pub async fn find(&self, id: &str) -> Result<Option<CustomizationRecord>, RecordsError> {
        let mut connection = self.records.read().acquire().await.map_err(sql("find customization"))?;
        find(&mut connection, id).await
    }

    /// Returns the id of the customization with this name and a target in this repository.
    pub async fn find_by_name(&self, destination: &str, name: &str) -> Result<Option<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT c.id FROM customizations c JOIN targets t ON t.customization_id = c.id \
             WHERE t.destination = $1 AND c.name = $2 ORDER BY c.id LIMIT 1",
        )
        .bind(destination)
        .bind(name)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find customization by name"))
    }

    /// Lists at most `limit` customizations of an organization after the one with the id `after`, by id.
    pub async fn list(
        &self,
        organization_id: &str,
        filter: &CustomizationFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<CustomizationRecord>, RecordsError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM customizations c WHERE c.organization_id = $1 AND c.id > $2 \
             AND LOWER(c.name) LIKE $3 ESCAPE '\\' \
             AND EXISTS (SELECT 1 FROM targets t WHERE t.customization_id = c.id \
             AND LOWER(t.destination) LIKE $4 ESCAPE '\\' AND LOWER(COALESCE(t.source, '')) LIKE $5 ESCAPE '\\') \
             ORDER BY c.id LIMIT $6"
        )))
        .bind(organization_id)
        .bind(after.unwrap_or(""))
        .bind(containing(filter.name.as_deref()))
        .bind(containing(filter.destination.as_deref()))
        .bind(containing(filter.source.as_deref()))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list customizations"))?;
        rows.iter().map(record).collect()
    }

    /// Lists every document that a customization had, the newest first.
    pub async fn history(&self, id: &str) -> Result<Vec<CustomizationVersion>, RecordsError> {
        let rows: Vec<(i64, String, Micros, String, Option<i64>)> = sqlx::query_as(
            "SELECT version, document, created_at, created_by, restored_from FROM customization_versions \
             WHERE customization_id = $1 ORDER BY version DESC",
        )
        .bind(id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list versions"))?;
        let versions = rows.into_iter().map(|(version, document, created_at, created_by, restored_from)| {
            CustomizationVersion { version, document, created_at, created_by, restored_from }
        });
        Ok(versions.collect())
    }
}

pub(super) async fn find(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<CustomizationRecord>, RecordsError> {
    let row =
        sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM customizations c WHERE c.id = $1")))
            .bind(id)
            .fetch_optional(connection)
            .await
            .map_err(sql("find customization"))?;
    row.as_ref().map(record).transpose()
}

async fn create(
    connection: &mut AnyConnection,
    draft: &Draft,
    at: Micros,
) -> Result<Vec<Conflict>, RecordsError> {
    let one = &draft.customization;
    sqlx::query(
        "INSERT INTO customizations (id, organization_id, name, suffix, version, document, created_at, created_by, \
         updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&one.id)
    .bind(&one.organization_id)
    .bind(&one.name)
    .bind(&one.suffix)
    .bind(one.version)
    .bind(&one.document)
    .bind(one.created_at)
    .bind(&one.created_by)
    .bind(one.updated_at)
    .bind(&one.updated_by)
    .execute(&mut *connection)
    .await
    .map_err(sql("add customization"))?;
    follow(connection, draft, at).await
}

async fn edit(
    connection: &mut AnyConnection,
    draft: &Draft,
    at: Micros,
) -> Result<Vec<Conflict>, RecordsError> {
    let one = &draft.customization;
    let Some(before) = find(&mut *connection, &one.id).await? else { return Ok(vec![Conflict::Gone]) };
    if before.version + 1 != one.version {
        return Ok(vec![Conflict::Stale]);
    }
    sqlx::query(
        "UPDATE customizations SET name = $2, suffix = $3, version = $4, document = $5, updated_at = $6, \
         updated_by = $7 WHERE id = $1",
    )
    .bind(&one.id)
    .bind(&one.name)
    .bind(&one.suffix)
    .bind(one.version)
    .bind(&one.document)
    .bind(one.updated_at)
    .bind(&one.updated_by)
    .execute(&mut *connection)
    .await
    .map_err(sql("edit customization"))?;
    follow(connection, draft, at).await
}

/// Writes what follows from a document.
async fn follow(
    connection: &mut AnyConnection,
    draft: &Draft,
    at: Micros,
) -> Result<Vec<Conflict>, RecordsError> {
    let one = &draft.customization;
    let mut conflicts = Vec::new();
    for (place, target) in draft.targets.iter().enumerate() {
        if is_name_taken(connection, one, &target.destination).await? {
            conflicts.push(Conflict::Name { target: place });
        }
    }
    sqlx::query(
        "INSERT INTO customization_versions (customization_id, version, document, created_at, created_by, \
         restored_from) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&one.id)
    .bind(one.version)
    .bind(&one.document)
    .bind(one.updated_at)
    .bind(&one.updated_by)
    .bind(draft.restored_from)
    .execute(&mut *connection)
    .await
    .map_err(sql("add version"))?;
    let claims = targets::replace(connection, &one.id, &draft.targets, draft.removes_tags, at).await?;
    conflicts.extend(claims.into_iter().map(|(target, tag, owner)| Conflict::Tag { target, tag, owner }));
    for build in &draft.builds {
        builds::queue(connection, build, at).await?;
    }
    audit::note(connection, draft.audit.clone()).await?;
    Ok(conflicts)
}

async fn is_name_taken(
    connection: &mut AnyConnection,
    one: &CustomizationRecord,
    destination: &str,
) -> Result<bool, RecordsError> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT c.id FROM customizations c JOIN targets t ON t.customization_id = c.id \
         WHERE t.destination = $1 AND c.name = $2 AND c.id <> $3 LIMIT 1",
    )
    .bind(destination)
    .bind(&one.name)
    .bind(&one.id)
    .fetch_optional(connection)
    .await
    .map_err(sql("find customization by name"))?;
    Ok(found.is_some())
}

async fn delete(
    connection: &mut AnyConnection,
    (id, version): (&str, Option<i64>),
    removes_tags: bool,
    audit: &AuditEvent,
    at: Micros,
) -> Result<Vec<Conflict>, RecordsError> {
    let Some(before) = find(&mut *connection, id).await? else { return Ok(vec![Conflict::Gone]) };
    if version.is_some_and(|version| version != before.version) {
        return Ok(vec![Conflict::Stale]);
    }
    targets::replace(connection, id, &[], removes_tags, at).await?;
    sqlx::query("DELETE FROM customizations WHERE id = $1")
        .bind(id)
        .execute(&mut *connection)
        .await
        .map_err(sql("delete customization"))?;
    audit::note(connection, audit.clone()).await?;
    Ok(Vec::new())
}

fn record(row: &AnyRow) -> Result<CustomizationRecord, RecordsError> {
    let read = || -> Result<CustomizationRecord, sqlx::Error> {
        Ok(CustomizationRecord {
            id: row.try_get("id")?,
            organization_id: row.try_get("organization_id")?,
            name: row.try_get("name")?,
            suffix: row.try_get("suffix")?,
            version: row.try_get("version")?,
            document: row.try_get("document")?,
            created_at: row.try_get("created_at")?,
            created_by: row.try_get("created_by")?,
            updated_at: row.try_get("updated_at")?,
            updated_by: row.try_get("updated_by")?,
        })
    };
    read().map_err(sql("read customization"))
}

/// Returns the pattern of texts that contain this one.
fn containing(text: Option<&str>) -> String {
    let mut pattern = "%".to_owned();
    for character in text.unwrap_or_default().to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "%"
}
