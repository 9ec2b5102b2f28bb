//! Access tokens: of users and of organizations. Only digests are kept.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::audit::{self, AuditEvent};
use super::{Micros, Records, RecordsError, commit, sql};

/// Uses within this time of the last noted one are not noted: a pull is no write.
const USE_NOTED_EVERY: Micros = 3_600_000_000;

/// Whose token it is, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// A user.
    User(String),
    /// An organization.
    Organization(String),
}

impl TokenOwner {
    /// Returns the ids of user and organization, one of which there is.
    fn ids(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::User(id) => (Some(id), None),
            Self::Organization(id) => (None, Some(id)),
        }
    }
}

/// What a program logs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Never changes.
    pub id: String,
    /// Whose it is.
    #[serde(skip)]
    pub owner: TokenOwner,
    /// Its name among those of its owner.
    pub name: String,
    /// The digest of what is shown.
    #[serde(skip)]
    pub digest: String,
    /// Whether it changes anything.
    pub may_write: bool,
    /// The repositories that it is for; all where empty.
    pub repositories: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
    /// When it ends; never where absent.
    pub expires_at: Option<Micros>,
    /// When it was last used, to the hour.
    #[serde(skip)]
    pub used_at: Option<Micros>,
}

impl Token {
    /// Says whether it still holds.
    pub fn is_current(&self, now: Micros) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl<'r> FromRow<'r, AnyRow> for Token {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let user: Option<String> = row.try_get("user_id")?;
        let organization: Option<String> = row.try_get("organization_id")?;
        let owner = user.map(TokenOwner::User).or(organization.map(TokenOwner::Organization));
        let repositories: String = row.try_get("repositories")?;
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::ColumnDecode {
            index: "repositories".to_owned(),
            source,
        };
        Ok(Self {
            id: row.try_get("id")?,
            owner: owner.ok_or_else(|| unreadable("the token is nobody's".into()))?,
            name: row.try_get("name")?,
            digest: row.try_get("digest")?,
            may_write: row.try_get::<i64, _>("may_write")? != 0,
            repositories: serde_json::from_str(&repositories).map_err(|error| unreadable(error.into()))?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            used_at: row.try_get("used_at")?,
        })
    }
}

/// The access tokens' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Tokens {
    records: Records,
}

impl Records {
    /// Returns the records of access tokens.
    pub fn tokens(&self) -> Tokens {
        Tokens { records: self.clone() }
    }
}

impl Tokens {
    /// Adds a token; says no where its owner has one of the name.
    pub async fn add(&self, token: &Token, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let (user, organization) = token.owner.ids();
        let repositories = serde_json::to_string(&token.repositories).expect("a list of texts is JSON");
        let added = sqlx::query(
            "INSERT INTO access_tokens (id, user_id, organization_id, name, digest, may_write, repositories, \
             created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&token.id)
        .bind(user)
        .bind(organization)
        .bind(&token.name)
        .bind(&token.digest)
        .bind(i64::from(token.may_write))
        .bind(repositories)
        .bind(&token.created_by)
        .bind(token.created_at)
        .bind(token.expires_at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add access token"))?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event.after(token)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Finds the token that has a digest.
    pub async fn find(&self, digest: &str) -> Result<Option<Token>, RecordsError> {
        sqlx::query_as("SELECT * FROM access_tokens WHERE digest = $1")
            .bind(digest)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find access token"))
    }

    /// Finds a token of an owner by name.
    pub async fn find_named(&self, owner: &TokenOwner, name: &str) -> Result<Option<Token>, RecordsError> {
        let (user, organization) = owner.ids();
        sqlx::query_as(
            "SELECT * FROM access_tokens WHERE (user_id = $1 OR organization_id = $2) AND name = $3",
        )
        .bind(user)
        .bind(organization)
        .bind(name)
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find access token"))
    }

    /// Lists at most `limit` tokens of an owner after the name `after`, by name.
    pub async fn list(
        &self,
        owner: &TokenOwner,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Token>, RecordsError> {
        let (user, organization) = owner.ids();
        sqlx::query_as(
            "SELECT * FROM access_tokens WHERE (user_id = $1 OR organization_id = $2) AND name > $3 \
             ORDER BY name LIMIT $4",
        )
        .bind(user)
        .bind(organization)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list access tokens"))
    }

    /// Removes a token, which ends at once; says no where it is gone.
    pub async fn remove(&self, token: &Token, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let removed = sqlx::query("DELETE FROM access_tokens WHERE id = $1")
            .bind(&token.id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove access token"))?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event.before(token)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Notes that a token was used, at most once an hour.
    pub async fn note_use(&self, token: &Token, at: Micros) -> Result<(), RecordsError> {
        if token.used_at.is_some_and(|used| at - used < USE_NOTED_EVERY) {
            return Ok(());
        }
        let mut transaction = self.records.write_relaxed().await?;
        sqlx::query("UPDATE access_tokens SET used_at = $2 WHERE id = $1")
            .bind(&token.id)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("note use of access token"))?;
        commit(transaction).await
    }
}
