//! Users: who logs in.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::audit::{self, AuditEvent};
use super::{Micros, Records, RecordsError, commit, sql};

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Never changes.
    pub id: String,
    /// What they log in with.
    pub name: String,
    /// Where they read mail.
    pub email: Option<String>,
    /// The hash of the password; absent where only access tokens let in.
    #[serde(skip)]
    pub password_hash: Option<String>,
    /// Whether every organization is theirs to look after.
    pub is_admin: bool,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
    /// Since when nothing lets them in.
    pub disabled_at: Option<Micros>,
}

impl<'r> FromRow<'r, AnyRow> for User {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            password_hash: row.try_get("password_hash")?,
            is_admin: row.try_get::<i64, _>("is_admin")? != 0,
            created_at: row.try_get("created_at")?,
            disabled_at: row.try_get("disabled_at")?,
        })
    }
}

/// What becomes of a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new address; an empty one removes it.
    pub email: Option<String>,
    /// The hash of the new password. It ends every session.
    pub password_hash: Option<String>,
    /// Whether every organization is theirs to look after.
    pub is_admin: Option<bool>,
    /// Whether nothing lets them in. It ends every session.
    pub is_disabled: Option<bool>,
}

/// How a change of users and memberships ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// There is nothing to change.
    Missing,
    /// Nobody would be left who looks after the rest.
    Last,
}

/// The users' records; clones share one database.
#[derive(Clone, Debug)]
pub struct People {
    records: Records,
}

impl Records {
    /// Returns the records of users.
    pub fn people(&self) -> People {
        People { records: self.clone() }
    }
}

impl People {
    /// Adds a user; says no where a user or an organization has the name.
    pub async fn add(&self, user: &User, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        if is_taken(&mut transaction, &user.name).await? {
            return Ok(false);
        }
        insert(&mut transaction, user).await?;
        audit::note(&mut transaction, event.after(user)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Adds the first user; says no where there is one.
    pub async fn add_first(&self, user: &User, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
            .fetch_one(&mut *transaction)
            .await
            .map_err(sql("count users"))?;
        if users > 0 {
            return Ok(false);
        }
        insert(&mut transaction, user).await?;
        audit::note(&mut transaction, event.after(user)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Says whether there are users.
    pub async fn is_empty(&self) -> Result<bool, RecordsError> {
        let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
            .fetch_one(self.records.read())
            .await
            .map_err(sql("count users"))?;
        Ok(users == 0)
    }

    /// Finds a user by name.
    pub async fn find(&self, name: &str) -> Result<Option<User>, RecordsError> {
        sqlx::query_as("SELECT * FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find user"))
    }

    /// Finds a user by id.
    pub async fn find_by_id(&self, id: &str) -> Result<Option<User>, RecordsError> {
        sqlx::query_as("SELECT * FROM users WHERE id = $1")
            .bind(id)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find user"))
    }

    /// Lists at most `limit` users after the name `after`, by name.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, RecordsError> {
        sqlx::query_as("SELECT * FROM users WHERE name > $1 ORDER BY name LIMIT $2")
            .bind(after.unwrap_or(""))
            .bind(i64::from(limit))
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list users"))
    }

    /// Changes a user; one administrator who can log in always stays.
    pub async fn change(
        &self,
        id: &str,
        change: &UserChange,
        event: AuditEvent,
    ) -> Result<Changed, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(old) = read(&mut transaction, id).await? else { return Ok(Changed::Missing) };
        let new = changed(&old, change, event.at);
        sqlx::query(
            "UPDATE users SET email = $2, password_hash = $3, is_admin = $4, disabled_at = $5 WHERE id = $1",
        )
        .bind(id)
        .bind(&new.email)
        .bind(&new.password_hash)
        .bind(i64::from(new.is_admin))
        .bind(new.disabled_at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("change user"))?;
        if looks_after_all(&old) && !has_admin(&mut transaction).await? {
            return Ok(Changed::Last);
        }
        if change.password_hash.is_some() || new.disabled_at.is_some() {
            end_sessions(&mut transaction, id).await?;
        }
        audit::note(&mut transaction, event.before(&old).after(&new)).await?;
        commit(transaction).await.map(|()| Changed::Done)
    }

    /// Removes a user with sessions, access tokens and memberships. The last administrator stays, and so does the last
    /// owner of an organization.
    pub async fn remove(&self, id: &str, event: AuditEvent) -> Result<Changed, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(old) = read(&mut transaction, id).await? else { return Ok(Changed::Missing) };
        if is_last_owner(&mut transaction, id).await? {
            return Ok(Changed::Last);
        }
        sqlx::query("DELETE FROM users WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove user"))?;
        if looks_after_all(&old) && !has_admin(&mut transaction).await? {
            return Ok(Changed::Last);
        }
        audit::note(&mut transaction, event.before(&old)).await?;
        commit(transaction).await.map(|()| Changed::Done)
    }
}

fn changed(old: &User, change: &UserChange, at: Micros) -> User {
    let mut new = old.clone();
    if let Some(email) = &change.email {
        new.email = Some(email.clone()).filter(|email| !email.is_empty());
    }
    if let Some(hash) = &change.password_hash {
        new.password_hash = Some(hash.clone());
    }
    new.is_admin = change.is_admin.unwrap_or(old.is_admin);
    match change.is_disabled {
        Some(true) => new.disabled_at = old.disabled_at.or(Some(at)),
        Some(false) => new.disabled_at = None,
        None => {}
    }
    new
}

fn looks_after_all(user: &User) -> bool {
    user.is_admin && user.disabled_at.is_none()
}

/// Says whether a user or an organization has a name.
pub(super) async fn is_taken(connection: &mut AnyConnection, name: &str) -> Result<bool, RecordsError> {
    let found: i64 = sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM users WHERE name = $1) + (SELECT COUNT(*) FROM organizations WHERE name = $1)",
    )
    .bind(name)
    .fetch_one(connection)
    .await
    .map_err(sql("look for name"))?;
    Ok(found > 0)
}

async fn insert(connection: &mut AnyConnection, user: &User) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO users (id, name, email, password_hash, is_admin, created_at, disabled_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&user.id)
    .bind(&user.name)
    .bind(&user.email)
    .bind(&user.password_hash)
    .bind(i64::from(user.is_admin))
    .bind(user.created_at)
    .bind(user.disabled_at)
    .execute(connection)
    .await
    .map_err(sql("add user"))?;
    Ok(())
}

async fn read(connection: &mut AnyConnection, id: &str) -> Result<Option<User>, RecordsError> {
    sqlx::query_as("SELECT * FROM users WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(sql("read user"))
}

async fn has_admin(connection: &mut AnyConnection) -> Result<bool, RecordsError> {
    let admins: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE is_admin = 1 AND disabled_at IS NULL")
            .fetch_one(connection)
            .await
            .map_err(sql("count administrators"))?;
    Ok(admins > 0)
}

/// Says whether an organization has no owner but this user.
async fn is_last_owner(connection: &mut AnyConnection, id: &str) -> Result<bool, RecordsError> {
    let owned: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM memberships m WHERE m.user_id = $1 AND m.role = 'owner' AND NOT EXISTS \
         (SELECT 1 FROM memberships o WHERE o.organization_id = m.organization_id AND o.role = 'owner' \
         AND o.user_id <> m.user_id)",
    )
    .bind(id)
    .fetch_one(connection)
    .await
    .map_err(sql("count organizations of owner"))?;
    Ok(owned > 0)
}

async fn end_sessions(connection: &mut AnyConnection, id: &str) -> Result<(), RecordsError> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(id)
        .execute(connection)
        .await
        .map_err(sql("end sessions"))?;
    Ok(())
}
