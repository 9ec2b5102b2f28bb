//! The hub's people, rights and repositories, as the registry asks for them.

use std::time::Duration;

use secrecy::SecretString;
use temper_hub::{Caller, FixedTags, Hub, HubError, Policy, Right as HubRight, Unproven as HubUnproven};
use temper_registry::{
    AccessError, Directory, DirectoryFuture, Identity, ImmutableTags, RepositoryName, RepositoryPolicy,
    Retention, Right, Unproven,
};

/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * 3600;

/// Answers from what the hub keeps now.
#[derive(Clone, Debug)]
pub(crate) struct HubDirectory(pub(crate) Hub);

impl HubDirectory {
    async fn caller(&self, identity: Option<&Identity>) -> Result<Option<Caller>, HubError> {
        let Some(Identity { user, token, stamp }) = identity else { return Ok(Some(Caller::Anonymous)) };
        self.0.recognize(user, token.as_deref(), stamp).await
    }
}

impl Directory for HubDirectory {
    fn authenticate<'a>(
        &'a self,
        user: &'a str,
        secret: &'a SecretString,
    ) -> DirectoryFuture<'a, Result<Identity, Unproven>> {
        Box::pin(async move {
            let found = self.0.authenticate(user, secret).await.map_err(failed)?;
            Ok(match found {
                Ok(found) => Ok(Identity {
                    user: user.to_owned(),
                    token: found.caller.scope().map(|scope| scope.name.clone()),
                    stamp: found.stamp,
                }),
                Err(why) => Err(unproven(why)),
            })
        })
    }

    fn is_current<'a>(&'a self, identity: &'a Identity) -> DirectoryFuture<'a, bool> {
        Box::pin(async move { Ok(self.caller(Some(identity)).await.map_err(failed)?.is_some()) })
    }

    fn right<'a>(
        &'a self,
        identity: Option<&'a Identity>,
        repository: &'a RepositoryName,
    ) -> DirectoryFuture<'a, Option<Right>> {
        Box::pin(async move {
            let caller = self.caller(identity).await.map_err(failed)?.unwrap_or(Caller::Anonymous);
            let right = self.0.right(&caller, repository.as_str()).await.map_err(failed)?;
            Ok(right.map(|right| match right {
                HubRight::Read => Right::Read,
                HubRight::Write => Right::Write,
                HubRight::Admin => Right::Admin,
            }))
        })
    }

    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> DirectoryFuture<'a, RepositoryPolicy> {
        Box::pin(async move { Ok(policy(self.0.policy(repository.as_str()).await.map_err(failed)?)) })
    }
}

fn unproven(why: HubUnproven) -> Unproven {
    match why {
        HubUnproven::User => Unproven::User,
        HubUnproven::Password => Unproven::Password,
        HubUnproven::Token => Unproven::Token,
        HubUnproven::Expired => Unproven::Expired,
        HubUnproven::Disabled => Unproven::Disabled,
    }
}

fn failed(error: HubError) -> AccessError {
    match error {
        HubError::Busy => AccessError::Busy,
        error => AccessError::Failed(Box::new(error)),
    }
}

fn policy(policy: Policy) -> RepositoryPolicy {
    let Policy { settings, organization_quota_bytes } = policy;
    let default = Retention::default();
    let age = settings.retention_days.map(|days| Duration::from_secs(u64::from(days) * DAY_SECONDS));
    RepositoryPolicy {
        public: settings.is_public,
        immutable_tags: match settings.immutable_tags {
            FixedTags::None => ImmutableTags::None,
            FixedTags::All => ImmutableTags::All,
            // They were checked when they were set.
            FixedTags::Patterns(patterns) => {
                ImmutableTags::Patterns(patterns.iter().filter_map(|pattern| pattern.parse().ok()).collect())
            }
        },
        quota_bytes: settings.quota_bytes,
        organization_quota_bytes,
        retention: Retention {
            newest: settings.retention_newest.unwrap_or(default.newest),
            age: age.map_or(default.age, |age| age.max(Retention::AGE_MIN)),
        },
    }
}
