//! Organizations and who belongs to them.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::audit::{self, AuditEvent};
use super::people::{Changed, is_taken};
use super::right::{Right, Role, word};
use super::{Micros, Records, RecordsError, commit, sql};

/// Owns a namespace of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Never changes.
    pub id: String,
    /// The first part of its repositories' names.
    pub name: String,
    /// What it is, in its owners' words.
    pub description: String,
    /// What every member may do in every repository; nothing where teams say it.
    pub member_right: Option<Right>,
    /// What a member needs in a repository to create customizations into it.
    pub customization_right: Right,
    /// Most bytes of all repositories; `None` is no bound.
    pub quota_bytes: Option<u64>,
    /// Counts the changes.
    pub version: i64,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
}

impl<'r> FromRow<'r, AnyRow> for Organization {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let member_right: Option<String> = row.try_get("member_right")?;
        let customization_right: String = row.try_get("customization_right")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            member_right: member_right.map(|text| word("member_right", &text)).transpose()?,
            customization_right: word("customization_right", &customization_right)?,
            quota_bytes: row.try_get::<Option<i64>, _>("quota_bytes")?.map(i64::cast_unsigned),
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// Somebody who belongs to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The user's name.
    pub user: String,
    /// What they are in it.
    pub role: Role,
    /// Since when.
    #[serde(skip)]
    pub created_at: Micros,
}

impl<'r> FromRow<'r, AnyRow> for Member {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let role: String = row.try_get("role")?;
        Ok(Self {
            user: row.try_get("name")?,
            role: word("role", &role)?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// What an organization knows of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The organization.
    pub organization: Organization,
    /// What they are in it; nothing where they do not belong to it.
    pub role: Option<Role>,
    /// What their teams may do, by repository or pattern.
    pub team_rights: Vec<(String, Right)>,
}

/// The organizations' records; clones share one database.
#[derive(Clone, Debug)]
pub struct Organizations {
    records: Records,
}

impl Records {
    /// Returns the records of organizations.
    pub fn organizations(&self) -> Organizations {
        Organizations { records: self.clone() }
    }
}

impl Organizations {
    /// Adds an organization with its first owner; says no where a user or an organization has the name.
    pub async fn add(
        &self,
        organization: &Organization,
        owner_id: &str,
        event: AuditEvent,
    ) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        if is_taken(&mut transaction, &organization.name).await? {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO organizations \
             (id, name, description, member_right, customization_right, quota_bytes, version, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&organization.id)
        .bind(&organization.name)
        .bind(&organization.description)
        .bind(organization.member_right.map(Right::as_str))
        .bind(organization.customization_right.as_str())
        .bind(organization.quota_bytes.map(u64::cast_signed))
        .bind(organization.version)
        .bind(organization.created_at)
        .execute(&mut *transaction)
        .await
        .map_err(sql("add organization"))?;
        put_member(&mut transaction, (&organization.id, owner_id), Role::Owner, event.at).await?;
        audit::note(&mut transaction, event.after(organization)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Finds an organization by name.
    pub async fn find(&self, name: &str) -> Result<Option<Organization>, RecordsError> {
        sqlx::query_as("SELECT * FROM organizations WHERE name = $1")
            .bind(name)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find organization"))
    }

    /// Finds an organization by id.
    pub async fn find_by_id(&self, id: &str) -> Result<Option<Organization>, RecordsError> {
        sqlx::query_as("SELECT * FROM organizations WHERE id = $1")
            .bind(id)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find organization"))
    }

    /// Lists at most `limit` organizations after the name `after`, by name: all, or those that a user belongs to.
    pub async fn list(
        &self,
        user_id: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Organization>, RecordsError> {
        sqlx::query_as(
            "SELECT * FROM organizations o WHERE o.name > $1 AND ($2 = '' OR EXISTS \
             (SELECT 1 FROM memberships m WHERE m.organization_id = o.id AND m.user_id = $2)) \
             ORDER BY o.name LIMIT $3",
        )
        .bind(after.unwrap_or(""))
        .bind(user_id.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list organizations"))
    }

    /// Returns what an organization knows of a user, or of somebody whom it does not know.
    pub async fn standing(
        &self,
        organization: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Standing>, RecordsError> {
        let Some(organization) = self.find(organization).await? else { return Ok(None) };
        let Some(user_id) = user_id else {
            return Ok(Some(Standing { organization, role: None, team_rights: Vec::new() }));
        };
        let role: Option<String> =
            sqlx::query_scalar("SELECT role FROM memberships WHERE organization_id = $1 AND user_id = $2")
                .bind(&organization.id)
                .bind(user_id)
                .fetch_optional(self.records.read())
                .await
                .map_err(sql("find membership"))?;
        let rights: Vec<(String, String)> = sqlx::query_as(
            "SELECT r.repository, r.granted FROM team_rights r JOIN teams t ON t.id = r.team_id \
             JOIN team_members m ON m.team_id = t.id WHERE t.organization_id = $1 AND m.user_id = $2",
        )
        .bind(&organization.id)
        .bind(user_id)
        .fetch_all(self.records.read())
        .await
        .map_err(sql("find rights of teams"))?;
        let role = role.map(|text| word("role", &text)).transpose().map_err(sql("read role"))?;
        let rights = rights.into_iter().map(|(pattern, text)| Ok((pattern, word("granted", &text)?)));
        let team_rights = rights.collect::<Result<_, _>>().map_err(sql("read rights of teams"))?;
        Ok(Some(Standing { organization, role, team_rights }))
    }

    /// Changes an organization that is still in the version of `new`; says no where it is not, or is gone.
    pub async fn change(&self, new: &Organization, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let old: Option<Organization> = sqlx::query_as("SELECT * FROM organizations WHERE id = $1")
            .bind(&new.id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(sql("read organization"))?;
        let Some(old) = old.filter(|old| old.version == new.version) else { return Ok(false) };
        let new = Organization { version: old.version + 1, ..new.clone() };
        sqlx::query(
            "UPDATE organizations SET description = $2, member_right = $3, customization_right = $4, \
             quota_bytes = $5, version = $6 WHERE id = $1",
        )
        .bind(&new.id)
        .bind(&new.description)
        .bind(new.member_right.map(Right::as_str))
        .bind(new.customization_right.as_str())
        .bind(new.quota_bytes.map(u64::cast_signed))
        .bind(new.version)
        .execute(&mut *transaction)
        .await
        .map_err(sql("change organization"))?;
        audit::note(&mut transaction, event.before(&old).after(&new)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Removes an organization with everything that belongs to it, but images; says no where it has images.
    pub async fn remove(&self, organization: &Organization, event: AuditEvent) -> Result<bool, RecordsError> {
        let mut transaction = self.records.write().await?;
        let start = format!("{}/", organization.name);
        let repositories: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM repositories WHERE name = $1 OR substr(name, 1, length($2)) = $2",
        )
        .bind(&organization.name)
        .bind(start)
        .fetch_one(&mut *transaction)
        .await
        .map_err(sql("count repositories"))?;
        if repositories > 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM organizations WHERE id = $1")
            .bind(&organization.id)
            .execute(&mut *transaction)
            .await
            .map_err(sql("remove organization"))?;
        audit::note(&mut transaction, event.before(organization)).await?;
        commit(transaction).await.map(|()| true)
    }

    /// Lists at most `limit` members after the user `after`, by name.
    pub async fn members(
        &self,
        organization_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Member>, RecordsError> {
        sqlx::query_as(
            "SELECT u.name, m.role, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.organization_id = $1 AND u.name > $2 ORDER BY u.name LIMIT $3",
        )
        .bind(organization_id)
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list members"))
    }

    /// Makes a user a member in a role, or gives a member another one; the last owner stays one.
    pub async fn set_member(
        &self,
        organization_id: &str,
        user_id: &str,
        role: Role,
        event: AuditEvent,
    ) -> Result<Changed, RecordsError> {
        let mut transaction = self.records.write().await?;
        let old = find_role(&mut transaction, organization_id, user_id).await?;
        put_member(&mut transaction, (organization_id, user_id), role, event.at).await?;
        if old == Some(Role::Owner) && !has_owner(&mut transaction, organization_id).await? {
            return Ok(Changed::Last);
        }
        let event = match old {
            Some(old) => event.before(&old),
            None => event,
        };
        audit::note(&mut transaction, event.after(&role)).await?;
        commit(transaction).await.map(|()| Changed::Done)
    }

    /// Takes a user out of an organization and its teams; the last owner stays.
    pub async fn remove_member(
        &self,
        organization_id: &str,
        user_id: &str,
        event: AuditEvent,
    ) -> Result<Changed, RecordsError> {
        let mut transaction = self.records.write().await?;
        let Some(old) = find_role(&mut transaction, organization_id, user_id).await? else {
            return Ok(Changed::Missing);
        };
        for statement in [
            "DELETE FROM team_members WHERE user_id = $2 \
             AND team_id IN (SELECT id FROM teams WHERE organization_id = $1)",
            "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2",
        ] {
            sqlx::query(statement)
                .bind(organization_id)
                .bind(user_id)
                .execute(&mut *transaction)
                .await
                .map_err(sql("remove member"))?;
        }
        if old == Role::Owner && !has_owner(&mut transaction, organization_id).await? {
            return Ok(Changed::Last);
        }
        audit::note(&mut transaction, event.before(&old)).await?;
        commit(transaction).await.map(|()| Changed::Done)
    }
}

async fn put_member(
    connection: &mut AnyConnection,
    (organization_id, user_id): (&str, &str),
    role: Role,
    at: Micros,
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role",
    )
    .bind(organization_id)
    .bind(user_id)
    .bind(role.as_str())
    .bind(at)
    .execute(connection)
    .await
    .map_err(sql("set member"))?;
    Ok(())
}

async fn find_role(
    connection: &mut AnyConnection,
    organization_id: &str,
    user_id: &str,
) -> Result<Option<Role>, RecordsError> {
    let role: Option<String> =
        sqlx::query_scalar("SELECT role FROM memberships WHERE organization_id = $1 AND user_id = $2")
            .bind(organization_id)
            .bind(user_id)
            .fetch_optional(connection)
            .await
            .map_err(sql("find membership"))?;
    role.map(|text| word("role", &text)).transpose().map_err(sql("read membership"))
}

async fn has_owner(connection: &mut AnyConnection, organization_id: &str) -> Result<bool, RecordsError> {
    let owners: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND role = 'owner'")
            .bind(organization_id)
            .fetch_one(connection)
            .await
            .map_err(sql("count owners"))?;
    Ok(owners > 0)
}
