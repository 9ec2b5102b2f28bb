//! What holds in a repository of an organization, whoever asks.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::audit::{self, AuditEvent};
use super::{Micros, Records, RecordsError, commit, sql};

/// Which tags stay where they were first put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixedTags {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those that match one of these patterns.
    #[serde(untagged)]
    Patterns(Vec<String>),
}

impl FixedTags {
    fn to_column(&self) -> String {
        serde_json::to_string(self).expect("a word or a list of texts is JSON")
    }

    fn from_column(text: &str) -> Option<Self> {
        match text {
            "\"none\"" => Some(Self::None),
            "\"all\"" => Some(Self::All),
            patterns => serde_json::from_str(patterns).ok().map(Self::Patterns),
        }
    }
}

/// The settings of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositorySettings {
    /// Organization and name, `acme/python`.
    pub repository: String,
    /// Whose repository it is.
    #[serde(skip)]
    pub organization_id: String,
    /// What it is, in its owners' words.
    pub description: String,
    /// Whether everybody pulls, without an account.
    pub is_public: bool,
    /// Which tags stay.
    pub immutable_tags: FixedTags,
    /// Most bytes; `None` is no bound but the organization's.
    pub quota_bytes: Option<u64>,
    /// How many of the newest manifests are kept that nothing holds; `None` is the server's default.
    pub retention_newest: Option<u32>,
    /// How many days a manifest is kept that nothing holds; `None` is the server's default.
    pub retention_days: Option<u32>,
    /// Counts the changes; 0 where nothing was ever set.
    pub version: i64,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
    /// Since when it is as it is.
    #[serde(skip)]
    pub updated_at: Micros,
}

impl RepositorySettings {
    /// Returns what holds where nothing was ever set.
    pub fn new(repository: &str, organization_id: &str, at: Micros) -> Self {
        Self {
            repository: repository.to_owned(),
            organization_id: organization_id.to_owned(),
            description: String::new(),
            is_public: false,
            immutable_tags: FixedTags::None,
            quota_bytes: None,
            retention_newest: None,
            retention_days: None,
            version: 0,
            created_at: at,
            updated_at: at,
        }
    }
}

impl<'r> FromRow<'r, AnyRow> for RepositorySettings {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let tags: String = row.try_get("immutable_tags")?;
        let unreadable = || sqlx::Error::ColumnDecode {
            index: "immutable_tags".to_owned(),
            source: "is neither a known word nor a list".into(),
        };
        let number = |column| row.try_get::<Option<i64>, _>(column);
        Ok(Self {
            repository: row.try_get("repository")?,
            organization_id: row.try_get("organization_id")?,
            description: row.try_get("description")?,
            is_public: row.try_get::<i64, _>("is_public")? != 0,
            immutable_tags: FixedTags::from_column(&tags).ok_or_else(unreadable)?,
            quota_bytes: number("quota_bytes")?.map(i64::cast_unsigned),
            retention_newest: number("retention_newest")?.map(|number| number as u32),
            retention_days: number("retention_days")?.map(|number| number as u32),
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// How much a repository shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositorySummary {
    /// Organization and name, `acme/python`.
    pub repository: String,
    /// How many tags it has.
    pub tags: u64,
    /// When a tag last moved.
    pub pushed_at: Option<Micros>,
}

impl<'r> FromRow<'r, AnyRow> for RepositorySummary {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            repository: row.try_get("name")?,
            tags: row.try_get::<i64, _>("tags")?.cast_unsigned(),
            pushed_at: row.try_get("pushed_at")?,
        })
    }
}

/// The settings' records; clones share one database.
#[derive(Clone, Debug)]
pub struct SettingsOfRepositories {
    records: Records,
}

impl Records {
    /// Returns the records of what holds in repositories.
    pub fn repository_settings(&self) -> SettingsOfRepositories {
        SettingsOfRepositories { records: self.clone() }
    }
}

impl SettingsOfRepositories {
    /// Finds what was set of a repository.
    pub async fn find(&self, repository: &str) -> Result<Option<RepositorySettings>, RecordsError> {
        sqlx::query_as("SELECT * FROM repository_settings WHERE repository = $1")
            .bind(repository)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find settings of repository"))
    }

    /// Sets what holds in a repository that is still in the version of `new`, 0 for one that has no settings; returns
    /// the new version, and nothing where it is in another one.
    pub async fn set(
        &self,
        new: &RepositorySettings,
        event: AuditEvent,
    ) -> Result<Option<i64>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let version = set(&mut transaction, new, event).await?;
        if version.is_some() {
            commit(transaction).await?;
        }
        Ok(version)
    }

    /// Lists at most `limit` repositories of an organization after the name `after`, by name: those with images, and
    /// those with settings.
    pub async fn list(
        &self,
        organization: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositorySummary>, RecordsError> {
        sqlx::query_as(
            "SELECT n.name, (SELECT COUNT(*) FROM tags t JOIN repositories r ON r.id = t.repository_id \
             WHERE r.name = n.name) AS tags, (SELECT MAX(t.updated_at) FROM tags t \
             JOIN repositories r ON r.id = t.repository_id WHERE r.name = n.name) AS pushed_at \
             FROM (SELECT name FROM repositories UNION SELECT repository FROM repository_settings) n \
             WHERE substr(n.name, 1, length($1)) = $1 AND n.name > $2 ORDER BY n.name LIMIT $3",
        )
        .bind(format!("{organization}/"))
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list repositories of organization"))
    }

    /// Finds a repository that has images or settings.
    pub async fn summary(&self, repository: &str) -> Result<Option<RepositorySummary>, RecordsError> {
        sqlx::query_as(
            "SELECT n.name, (SELECT COUNT(*) FROM tags t JOIN repositories r ON r.id = t.repository_id \
             WHERE r.name = n.name) AS tags, (SELECT MAX(t.updated_at) FROM tags t \
             JOIN repositories r ON r.id = t.repository_id WHERE r.name = n.name) AS pushed_at \
             FROM (SELECT name FROM repositories UNION SELECT repository FROM repository_settings) n \
             WHERE n.name = $1",
        )
        .bind(repository)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find repository of organization"))
    }

    /// Removes a repository with its images and settings; the collector removes the bytes. Says no where there is none.
    pub async fn remove(&self, repository: &str, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let mut removed = 0;
        for statement in [
            "DELETE FROM repositories WHERE name = $1",
            "DELETE FROM repository_settings WHERE repository = $1",
        ] {
            let deleted = sqlx::query(statement).bind(repository).execute(&mut *transaction).await;
            removed += deleted.map_err(sql("remove repository"))?.rows_affected();
        }
        if removed == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await.map(|()| true)
    }
}

/// Sets what holds in a repository, inside of a transaction; see [`SettingsOfRepositories::set`].
pub(crate) async fn set(
    connection: &mut AnyConnection,
    new: &RepositorySettings,
    event: AuditEvent,
) -> Result<Option<i64>, RecordsError> {
    let old: Option<RepositorySettings> =
        sqlx::query_as("SELECT * FROM repository_settings WHERE repository = $1")
            .bind(&new.repository)
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("read settings of repository"))?;
    if old.as_ref().map_or(0, |old| old.version) != new.version {
        return Ok(None);
    }
    let new = RepositorySettings { version: new.version + 1, updated_at: event.at, ..new.clone() };
    sqlx::query(
        "INSERT INTO repository_settings (repository, organization_id, description, is_public, immutable_tags, \
         quota_bytes, retention_newest, retention_days, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (repository) DO UPDATE SET \
         description = excluded.description, is_public = excluded.is_public, \
         immutable_tags = excluded.immutable_tags, quota_bytes = excluded.quota_bytes, \
         retention_newest = excluded.retention_newest, retention_days = excluded.retention_days, \
         version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(&new.repository)
    .bind(&new.organization_id)
    .bind(&new.description)
    .bind(i64::from(new.is_public))
    .bind(new.immutable_tags.to_column())
    .bind(new.quota_bytes.map(u64::cast_signed))
    .bind(new.retention_newest.map(i64::from))
    .bind(new.retention_days.map(i64::from))
    .bind(new.version)
    .bind(new.created_at)
    .bind(new.updated_at)
    .execute(&mut *connection)
    .await
    .map_err(sql("set settings of repository"))?;
    let event = match &old {
        Some(old) => event.before(old),
        None => event,
    };
    audit::note(connection, event.after(&new)).await?;
    Ok(Some(new.version))
}
