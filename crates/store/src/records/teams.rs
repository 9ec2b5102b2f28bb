//! Teams of an organization: who is in them, and what they may do where.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use super::audit::{self, AuditEvent};
use super::right::{Right, word};
use super::{Micros, Records, RecordsError, commit, sql};

/// Members who have rights in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Never changes.
    pub id: String,
    /// Whose team it is.
    #[serde(skip)]
    pub organization_id: String,
    /// Its name in the organization.
    pub name: String,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
}

impl<'r> FromRow<'r, AnyRow> for Team {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            organization_id: row.try_get("organization_id")?,
            name: row.try_get("name")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// The teams' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Teams {
    records: Records,
}

impl Records {
    /// Returns the records of teams.
    pub fn teams(&self) -> Teams {
        Teams { records: self.clone() }
    }
}

impl Teams {
    /// Adds a team; says no where its organization has one of the name.
    pub async fn add(&self, team: &Team, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let added = sqlx::query(
            "INSERT INTO teams (id, organization_id, name, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (organization_id, name) DO NOTHING",
        )
        .bind(&team.id)
        .bind(&team.organization_id)
        .bind(&team.name)
        .bind(team.created_at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add team"))?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event.after(team)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Finds a team of an organization by name.
    pub async fn find(&self, organization_id: &str, name: &str) -> Result<Option<Team>, RecordsError> {
        sqlx::query_as("SELECT * FROM teams WHERE organization_id = $1 AND name = $2")
            .bind(organization_id)
            .bind(name)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find team"))
    }

    /// Lists at most `limit` teams after the name `after`, by name.
    pub async fn list(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Team>, RecordsError> {
        sqlx::query_as("SELECT * FROM teams WHERE organization_id = $1 AND name > $2 ORDER BY name LIMIT $3")
            .bind(organization_id)
            .bind(after.unwrap_or(""))
            .bind(i64::from(limit))
            .fetch_all(self.records.read())
            .await
            .map_err(sql("list teams"))
    }

    /// Removes a team with its rights; says no where it is gone.
    pub async fn remove(&self, team: &Team, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let removed = sqlx::query("DELETE FROM teams WHERE id = $1")
            .bind(&team.id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove team"))?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event.before(team)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Lists the names of a team's members.
    pub async fn members(&self, team_id: &str) -> Result<Vec<String>, RecordsError> {
        sqlx::query_scalar(
            "SELECT u.name FROM team_members m JOIN users u ON u.id = m.user_id WHERE m.team_id = $1 \
             ORDER BY u.name",
        )
        .bind(team_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list members of team"))
    }

    /// Puts a member of the organization into a team; says no where the user does not belong to the organization.
    pub async fn add_member(
        &self,
        team: &Team,
        user_id: &str,
        event: AuditEvent,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let belongs: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND user_id = $2",
        )
        .bind(&team.organization_id)
        .bind(user_id)
        .fetch_one(&mut *transaction)
        .await
        .map_err(sql("find membership"))?;
        if belongs == 0 {
            return Ok(false);
        }
        let added = sqlx::query(
            "INSERT INTO team_members (team_id, user_id) VALUES ($1, $2) ON CONFLICT (team_id, user_id) DO NOTHING",
        )
        .bind(&team.id)
        .bind(user_id)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add member to team"))?;
        if added.rows_affected() > 0 {
            audit::note(&mut transaction, event).await?;
        }
        commit(transaction).await.map(|()| true)
    }

    /// Takes a user out of a team; says no where they are not in it.
    pub async fn remove_member(
        &self,
        team: &Team,
        user_id: &str,
        event: AuditEvent,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let removed = sqlx::query("DELETE FROM team_members WHERE team_id = $1 AND user_id = $2")
            .bind(&team.id)
            .bind(user_id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove member from team"))?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Lists what a team may do, by repository or pattern.
    pub async fn rights(&self, team_id: &str) -> Result<Vec<(String, Right)>, RecordsError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT repository, granted FROM team_rights WHERE team_id = $1 ORDER BY repository",
        )
        .bind(team_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list rights of team"))?;
        let rights = rows.into_iter().map(|(pattern, text)| Ok((pattern, word("granted", &text)?)));
        rights.collect::<Result<_, _>>().map_err(sql("read rights of team"))
    }

    /// Says what a team may do in a repository or a pattern of them; nothing takes the right away.
    pub async fn set_right(
        &self,
        team: &Team,
        repository: &str,
        right: Option<Right>,
        event: AuditEvent,
    ) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        let old: Option<String> =
            sqlx::query_scalar("SELECT granted FROM team_rights WHERE team_id = $1 AND repository = $2")
                .bind(&team.id)
                .bind(repository)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(sql("find right of team"))?;
        let statement = match right {
            Some(right) => sqlx::query(
                "INSERT INTO team_rights (team_id, repository, granted) VALUES ($1, $2, $3) \
                 ON CONFLICT (team_id, repository) DO UPDATE SET granted = excluded.granted",
            )
            .bind(&team.id)
            .bind(repository)
            .bind(right.as_str()),
            None => sqlx::query("DELETE FROM team_rights WHERE team_id = $1 AND repository = $2")
                .bind(&team.id)
                .bind(repository),
        };
        statement.execute(&mut *transaction).await.map_err(sql("set right of team"))?;
        let mut event = event;
        if let Some(old) = &old {
            event = event.before(old);
        }
        if let Some(right) = &right {
            event = event.after(right);
        }
        audit::note(&mut transaction, event).await?;
        commit(transaction).await
    }
}
