//! Quotas: how much a repository, or all repositories of an organization, may keep.

use sqlx::AnyConnection;

use super::{RecordsError, Repositories, sql};

/// A bound for a repository or an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What it bounds.
    pub scope: QuotaScope,
    /// Most bytes of blobs and manifests, each counted once.
    pub limit_bytes: u64,
}

/// What a quota bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// One repository, without those whose names begin with its own.
    Repository(String),
    /// All repositories below an organization's name, and one of that name.
    Organization(String),
}

impl QuotaScope {
    /// Returns the name of the repository or the organization.
    pub fn name(&self) -> &str {
        match self {
            Self::Repository(name) | Self::Organization(name) => name,
        }
    }
}

impl Repositories {
    /// Returns how many bytes an upload may bring within all of these quotas, or the one into which `added_bytes` do
    /// not fit. What other uploads have brought counts as used.
    pub async fn room(&self, quotas: &[Quota], upload: &str, added_bytes: u64) -> Result<u64, RecordsError> {
        let mut room = u64::MAX;
        for quota in quotas {
            let mut connection = self.records.read().acquire().await.map_err(sql("find usage"))?;
            let used_bytes = used(&mut connection, &quota.scope).await?;
            let left = quota.limit_bytes.saturating_sub(used_bytes);
            if added_bytes > left {
                return Err(quota.exceeded(used_bytes, 0, added_bytes));
            }
            let staged_bytes = staged(&mut connection, &quota.scope, upload).await?;
            let left = left.saturating_sub(staged_bytes);
            if added_bytes > left {
                return Err(quota.exceeded(used_bytes, staged_bytes, added_bytes));
            }
            room = room.min(left);
        }
        Ok(room)
    }
}

impl Quota {
    /// Says that this quota is in the way.
    fn exceeded(&self, used_bytes: u64, staged_bytes: u64, added_bytes: u64) -> RecordsError {
        let (scope, limit_bytes) = (self.scope.name().to_owned(), self.limit_bytes);
        RecordsError::Quota { scope, used_bytes, staged_bytes, added_bytes, limit_bytes }
    }
}

/// What was used at the beginning of a transaction.
pub(super) struct Meter<'a>(Vec<(&'a Quota, u64)>);

impl<'a> Meter<'a> {
    pub(super) async fn begin(
        connection: &mut AnyConnection,
        quotas: &'a [Quota],
    ) -> Result<Self, RecordsError> {
        let mut before = Vec::new();
        for quota in quotas {
            before.push((quota, used(&mut *connection, &quota.scope).await?));
        }
        Ok(Self(before))
    }

    /// Fails if the transaction adds bytes that do not fit. What adds none is allowed even where a quota was made
    /// smaller than what is used.
    pub(super) async fn end(self, connection: &mut AnyConnection) -> Result<(), RecordsError> {
        for (quota, before) in self.0 {
            let after = used(&mut *connection, &quota.scope).await?;
            if after > quota.limit_bytes && after > before {
                return Err(quota.exceeded(before, 0, after - before));
            }
        }
        Ok(())
    }
}

async fn used(connection: &mut AnyConnection, scope: &QuotaScope) -> Result<u64, RecordsError> {
    // The character after `/` is `0`, so the range holds what stands below the name.
    let used: i64 = sqlx::query_scalar(
        "WITH scope AS (SELECT id FROM repositories WHERE name = $1 \
         OR ($2 AND name > $1 || '/' AND name < $1 || '0')) \
         SELECT CAST(\
         (SELECT COALESCE(SUM(size_bytes), 0) FROM blobs WHERE digest IN \
          (SELECT digest FROM repository_blobs WHERE repository_id IN (SELECT id FROM scope))) \
         + (SELECT COALESCE(SUM(size_bytes), 0) FROM manifests WHERE repository_id IN (SELECT id FROM scope)) \
         AS BIGINT)",
    )
    .bind(scope.name())
    .bind(matches!(scope, QuotaScope::Organization(_)))
    .fetch_one(connection)
    .await
    .map_err(sql("find usage"))?;
    Ok(used.cast_unsigned())
}

/// Returns how much uploads of a scope have brought, all but one.
async fn staged(
    connection: &mut AnyConnection,
    scope: &QuotaScope,
    except: &str,
) -> Result<u64, RecordsError> {
    let staged: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM uploads WHERE id <> $3 AND (repository = $1 \
         OR ($2 AND repository > $1 || '/' AND repository < $1 || '0'))",
    )
    .bind(scope.name())
    .bind(matches!(scope, QuotaScope::Organization(_)))
    .bind(except)
    .fetch_one(connection)
    .await
    .map_err(sql("find usage of uploads"))?;
    Ok(staged.cast_unsigned())
}
