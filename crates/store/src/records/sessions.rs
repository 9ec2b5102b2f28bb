//! Sessions: who is logged in with a browser or the command line. Only digests are kept.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::{Micros, Records, RecordsError, commit, sql};

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The digest of what is shown.
    pub digest: String,
    /// Who is logged in.
    pub user_id: String,
    /// What logged in, in its own words.
    pub client: String,
    /// Since when.
    pub created_at: Micros,
    /// Until when.
    pub expires_at: Micros,
}

impl<'r> FromRow<'r, AnyRow> for Session {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            digest: row.try_get("digest")?,
            user_id: row.try_get("user_id")?,
            client: row.try_get("client")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    }
}

/// The sessions' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Sessions {
    records: Records,
}

impl Records {
    /// Returns the records of sessions.
    pub fn sessions(&self) -> Sessions {
        Sessions { records: self.clone() }
    }
}

impl Sessions {
    /// Begins a session, and forgets those that have ended.
    pub async fn add(&self, session: &Session) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(session.created_at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("forget sessions"))?;
        sqlx::query(
            "INSERT INTO sessions (digest, user_id, client, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&session.digest)
        .bind(&session.user_id)
        .bind(&session.client)
        .bind(session.created_at)
        .bind(session.expires_at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("begin session"))?;
        commit(transaction).await
    }

    /// Finds the session that has a digest, also one that has ended.
    pub async fn find(&self, digest: &str) -> Result<Option<Session>, RecordsError> {
        sqlx::query_as("SELECT * FROM sessions WHERE digest = $1")
            .bind(digest)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find session"))
    }

    /// Ends a session; one that is gone is no fault.
    pub async fn remove(&self, digest: &str) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query("DELETE FROM sessions WHERE digest = $1")
            .bind(digest)
            .execute(&mut *transaction)
            .await
            .map_err(sql("end session"))?;
        commit(transaction).await
    }
}
